/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of a control API, after its signature: whatever is in it, a key
 * or an address that two claim belongs to nobody.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jval.h"
#include "core/base/str.h"
#include "core/ssh/pubkey.h"
#include "mesh/roster.h"

#define NOW INT64_C(1772452800)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge_place(const struct oe_roster *r, const struct oe_jval *rows,
    const struct oe_addr *a)
{
	const struct oe_roster_device *d = oe_roster_at(r, a);
	static const char *const members[] = {"virtual_ip", "virtual_ip_v6"};
	const struct oe_jval *v;
	struct oe_addr other;
	const char *text;
	size_t i, k, n = 0;

	for (i = 0; i < oe_jval_size(rows); i++) {
		v = oe_jval_at(rows, i);
		if (!oe_jval_get_text(v, "id"))
			continue;
		for (k = 0; k < 2; k++) {
			text = oe_jval_get_text(v, members[k]);
			if (text && oe_addr_parse(text, &other, NULL) == 0 &&
			    oe_addr_equal(a, &other))
				n++;
		}
	}
	if (n == 1 ? !d : d != NULL)
		abort();
	if (d && !oe_addr_equal(&d->addr[0], a) &&
	    (d->n_addr < 2 || !oe_addr_equal(&d->addr[1], a)))
		abort();
}

static void
judge_devices(const struct oe_roster *r, const struct oe_jval *rows)
{
	const struct oe_roster_device *d;
	struct oe_addr a;
	const char *id, *text;
	size_t i;

	for (i = 0; i < oe_jval_size(rows); i++) {
		id = oe_jval_get_text(oe_jval_at(rows, i), "id");
		d = oe_roster_device(r, id);
		if (id ? !d || strcmp(d->id, id) || d->n_addr > 2 : d != NULL)
			abort();
		text = oe_jval_get_text(oe_jval_at(rows, i), "virtual_ip");
		if (text && oe_addr_parse(text, &a, NULL) == 0)
			judge_place(r, rows, &a);
	}
}

/* Is there a row that gives this key to somebody else? */
static bool
disputed(const struct oe_jval *rows, const char *fingerprint, const char *user)
{
	const char *line, *claims;
	struct oe_pubkey key;
	bool other = false;
	char *print;
	size_t i;

	for (i = 0; i < oe_jval_size(rows) && !other; i++) {
		line = oe_jval_get_text(oe_jval_at(rows, i), "key");
		claims = oe_jval_get_text(oe_jval_at(rows, i), "user_id");
		if (!line || !claims || oe_pubkey_parse_line(line, &key, NULL))
			continue;
		print = oe_pubkey_fingerprint(&key);
		other = oe_str_eq(print, fingerprint) && strcmp(claims, user);
		free(print);
		oe_pubkey_done(&key);
	}
	return other;
}

static void
judge_keys(const struct oe_roster *r, const struct oe_jval *rows)
{
	const struct oe_roster_user *u;
	struct oe_pubkey key;
	const char *line;
	int64_t until;
	char *print;
	size_t i;

	for (i = 0; i < oe_jval_size(rows); i++) {
		line = oe_jval_get_text(oe_jval_at(rows, i), "key");
		if (!line || oe_pubkey_parse_line(line, &key, NULL) < 0)
			continue;
		print = oe_pubkey_fingerprint(&key);
		u = oe_roster_key(r, print, NOW, &until);
		if (u && (until <= NOW || disputed(rows, print, u->id)))
			abort();
		free(print);
		oe_pubkey_done(&key);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct oe_jval *in;
	struct oe_roster *r = NULL;
	struct oe_jval *v = NULL;

	if (oe_jval_parse(data, size, &v, NULL) < 0)
		return 0;
	in = oe_jval_get(v, "directory");
	if (!in)
		in = v;
	if (oe_roster_read(v, &r, NULL) == 0) {
		judge_devices(r, oe_jval_get(in, "devices"));
		judge_keys(r, oe_jval_get(in, "keys"));
		if (oe_roster_authorities(r)->n >
		    oe_jval_size(oe_jval_get(in, "user_ca")))
			abort();
	}
	oe_roster_free(&r);
	oe_jval_free(&v);
	return 0;
}
