/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/login.h - routes of login, logout and one's own account.
 */
#pragma once

#include "control/auth.h"
#include "control/call.h"

extern const struct oe_ctl_route oe_ctl_routes_login[];
extern const struct oe_ctl_route oe_ctl_routes_device_login[];
extern const struct oe_ctl_route oe_ctl_routes_approve[];
extern const struct oe_ctl_route oe_ctl_routes_profile[];

/* How long a device code may wait for its approval. */
#define OE_CTL_GRANT_MS (INT64_C(600) * 1000)
/* Seconds between two polls. */
#define OE_CTL_GRANT_INTERVAL_S 5
/* "BCDF-GHJK": nothing that spells words or looks like a digit. */
#define OE_CTL_USER_CODE_LEN     8
#define OE_CTL_USER_CODE_LETTERS "BCDFGHJKLMNPQRSTVWXZ"

/**
 * oe_ctl_login_reply() - a pair of tokens in the form of /auth/...
 * (reference 1.2), in both spellings; ends @p.
 */
int
oe_ctl_login_reply(struct oe_ctl_call *call, struct oe_ctl_pair_of_tokens *p);
/** oe_ctl_oauth_reply() - the same in the form of /oauth/token. */
int
oe_ctl_oauth_reply(struct oe_ctl_call *call, struct oe_ctl_pair_of_tokens *p);
/** oe_ctl_login_event() - "control.login", how: "password", "key", ... */
void oe_ctl_login_event(struct oe_ctl_call *call, const char *how,
    const struct oe_ctl_user *user, const char *email);
/**
 * oe_ctl_user_code_read() - a code as a person types it.
 * @ret: room for OE_CTL_USER_CODE_LEN + 1: upper case, without the dash.
 */
bool oe_ctl_user_code_read(const char *typed, char *ret);
/** oe_ctl_email_read() - trimmed and lower-cased; false when it is none. */
bool oe_ctl_email_read(const char *typed, char ret[256]);
