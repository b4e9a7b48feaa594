/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/jwt.h - access tokens in the form of the real service: JSON web
 * tokens (RFC 7519) with HS512 and the claims data, iat, exp; ours have jti
 * as well, so that no two are equal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/crypto.h"

#define OE_CTL_JWT_MAX 2048

struct oe_ctl_jwt {
	const char *user_id, *name, *email, *id;
	int64_t issued_s, expires_s;
};

/** oe_ctl_jwt_make() - free() it. */
char *oe_ctl_jwt_make(
    const uint8_t key[OE_HMAC_SHA512_SIZE], const struct oe_ctl_jwt *claims);
/**
 * oe_ctl_jwt_check() - is it one of ours, whole, and not past its time?
 * Nothing of it is trusted before its code is verified.
 */
bool oe_ctl_jwt_check(
    const uint8_t key[OE_HMAC_SHA512_SIZE], const char *token, int64_t now_s);
