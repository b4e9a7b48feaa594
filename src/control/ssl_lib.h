/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/ssl_lib.h - libssl, loaded when control-server serves HTTPS;
 * libcrypto is there always.
 *
 * What the header makes of SSL_CTX_ctrl() has to be spelled out.
 */
#pragma once

#include <openssl/ssl.h>

#include "core/base/dl.h"

#define OE_CTL__SSL_CALLS(X)                                                   \
	X(SSL_CTX_ctrl)                                                        \
	X(SSL_CTX_free)                                                        \
	X(SSL_CTX_new)                                                         \
	X(SSL_CTX_set_cert_cb)                                                 \
	X(SSL_CTX_set_cipher_list)                                             \
	X(SSL_CTX_set_num_tickets)                                             \
	X(SSL_CTX_set_options)                                                 \
	X(SSL_CTX_set_verify)                                                  \
	X(SSL_CTX_use_cert_and_key)                                            \
	X(SSL_certs_clear)                                                     \
	X(SSL_shutdown)                                                        \
	X(SSL_use_cert_and_key)                                                \
	X(TLS_server_method)

struct oe_ctl__ssl_calls {
	OE_CTL__SSL_CALLS(OE_DL_MEMBER)
};

/**
 * oe_ctl__ssl_load() - once, before any other call of it; from any thread.
 * Return: 0, or OE_EABSENT each time.
 */
int oe_ctl__ssl_load(struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl__ssl() - its functions, when it has been loaded. */
const struct oe_ctl__ssl_calls *oe_ctl__ssl(void);
