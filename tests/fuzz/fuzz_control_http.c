/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection of control-server sends, in pieces: the requests that
 * come of it are the same however it is cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/conn.h"
#include "control/routes.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
note(struct oe_ctl_request *r, uint8_t sum[OE_SHA256_SIZE])
{
	uint8_t text[OE_SHA256_SIZE + 16 + OE_SHA256_SIZE] = {0};
	size_t i;

	if (r->refuse && !r->close)
		abort();
	for (i = 0; i < r->match.n_params; i++)
		if (!*r->match.params[i].value ||
		    strchr(r->match.params[i].value, '/'))
			abort();
	memcpy(text, sum, OE_SHA256_SIZE);
	text[OE_SHA256_SIZE] = (uint8_t)(r->refuse / 4);
	text[OE_SHA256_SIZE + 1] = (uint8_t)r->close;
	text[OE_SHA256_SIZE + 2] = r->match.route != NULL;
	oe_sha256(oe_buf_head(&r->body), oe_buf_left(&r->body),
	    text + OE_SHA256_SIZE + 16);
	oe_sha256(text, sizeof text, sum);
}

static void
play(const uint8_t *data, size_t size, size_t step, uint8_t sum[OE_SHA256_SIZE])
{
	struct oe_ctl_request *r;
	struct oe_ctl_conn c;
	size_t i, n;
	bool last = false;

	memset(sum, 0, OE_SHA256_SIZE);
	oe_ctl_conn_init(&c, oe_ctl_routes);
	for (i = 0; i < size; i += n) {
		n = size - i < step ? size - i : step;
		if (oe_ctl_conn_feed(&c, data + i, n) < 0)
			abort();
		while ((r = oe_ctl_conn_next(&c)) != NULL) {
			note(r, sum);
			last = r->close;
			oe_ctl_request_free(&r);
			oe_ctl_conn_answered(&c, last);
		}
	}
	oe_ctl_conn_done(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t whole[OE_SHA256_SIZE], cut[OE_SHA256_SIZE];

	if (size < 1)
		return 0;
	play(data + 1, size - 1, OE_CTL_CONN_READ_MAX, whole);
	play(data + 1, size - 1, (size_t)data[0] + 1, cut);
	/* a head without an end is noticed at different places */
	if (size <= OE_CTL_HEAD_MAX && memcmp(whole, cut, sizeof whole) != 0)
		abort();
	return 0;
}
