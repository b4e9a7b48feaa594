/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/lws_lib.h - libwebsockets, loaded when control-server serves.
 */
#pragma once

#include <libwebsockets.h>

#include "core/base/dl.h"

#define OE_CTL__LWS_CALLS(X)                                                   \
	X(lws_adopt_descriptor_vhost_via_info)                                 \
	X(lws_callback_on_writable)                                            \
	X(lws_cancel_service)                                                  \
	X(lws_context_destroy)                                                 \
	X(lws_context_user)                                                    \
	X(lws_create_context)                                                  \
	X(lws_create_vhost)                                                    \
	X(lws_get_context)                                                     \
	X(lws_get_library_version)                                             \
	X(lws_get_opaque_user_data)                                            \
	X(lws_get_socket_fd)                                                   \
	X(lws_get_ssl)                                                         \
	X(lws_partial_buffered)                                                \
	X(lws_rx_flow_control)                                                 \
	X(lws_service)                                                         \
	X(lws_set_log_level)                                                   \
	X(lws_set_opaque_user_data)                                            \
	X(lws_set_timeout)                                                     \
	X(lws_sul_cancel)                                                      \
	X(lws_sul_schedule)                                                    \
	X(lws_write)

struct oe_ctl__lws_calls {
	OE_CTL__LWS_CALLS(OE_DL_MEMBER)
};

/**
 * oe_ctl__lws_load() - once, before any other call of it; from any thread.
 * Return: 0, or OE_EABSENT each time.
 */
int oe_ctl__lws_load(struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl__lws() - its functions, when it has been loaded. */
const struct oe_ctl__lws_calls *oe_ctl__lws(void);
