/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/jval.h"
#include "core/base/time.h"
#include "core/mesh/signed.h"

#define NOW INT64_C(1772452800000) /* 2026-03-02T12:00:00Z */

static struct oe_sign_key key, other;

static char *
payload(const char *kind, const char *network, int version, const char *at)
{
	return oe_mem_printf("{\"kind\":\"%s\",\"network_id\":\"%s\","
			     "\"version\":%d,\"issued_at\":\"%s\","
			     "\"policy\":{\"rules\":[]}}",
	    kind, network, version, at);
}

static char *
document(const struct oe_sign_key *k, int version)
{
	char *p = payload("policy", "vnw_1", version, "2026-03-02T11:59:00Z");
	char *d = oe_signed_make(k, p);

	free(p);
	return d;
}

static struct oe_signed_expect
expect(uint64_t version)
{
	struct oe_signed_expect e = {
	    .public_key = key.public,
	    .kind = "policy",
	    .network_id = "vnw_1",
	    .version = version,
	    .now_ms = NOW,
	};

	return e;
}

static int
setup(void **state)
{
	static const uint8_t seed[32] = {1}, seed2[32] = {2};

	(void)state;
	oe_sign_key_from_seed(seed, &key);
	oe_sign_key_from_seed(seed2, &other);
	return 0;
}

static void
test_read(void **state)
{
	struct oe_signed_expect e = expect(7);
	char *text = document(&key, 7);
	struct oe_signed d;

	(void)state;
	assert_int_equal(oe_signed_read(text, strlen(text), &e, &d, NULL), 0);
	assert_string_equal(d.kind, "policy");
	assert_string_equal(d.network_id, "vnw_1");
	assert_int_equal(d.version, 7);
	assert_true(d.issued_ms == NOW - 60000);
	assert_non_null(oe_jval_get(d.payload, "policy"));
	assert_string_equal(d.text, text);
	oe_signed_done(&d);
	free(text);
}

static void
test_payloads(void **state)
{
	static const struct {
		const char *kind, *network, *at;
		int version, r;
	} cases[] = {
	    {"policy", "vnw_1", "2026-03-02T12:00:00Z", 8, 0},
	    {"policy", "vnw_1", "2026-03-02T12:09:00Z", 8, 0},
	    {"policy", "vnw_1", "2026-03-02T12:11:00Z", 8, OE_EPERM},
	    {"policy", "vnw_1", "2026-03-02T12:00:00Z", 6, OE_EPERM},
	    {"policy", "vnw_1", "2026-03-02T12:00:00Z", 0, OE_EPROTO},
	    {"policy", "vnw_1", "2026-03-02T12:00:00Z", -1, OE_EPROTO},
	    {"policy", "vnw_2", "2026-03-02T12:00:00Z", 8, OE_EPERM},
	    {"directory", "vnw_1", "2026-03-02T12:00:00Z", 8, OE_EPERM},
	    {"policy", "vnw_1", "today", 8, OE_EPROTO},
	};
	struct oe_signed_expect e = expect(7);
	struct oe_signed d;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		char *p = payload(cases[i].kind, cases[i].network,
		    cases[i].version, cases[i].at);
		char *text = oe_signed_make(&key, p);
		int r = oe_signed_read(text, strlen(text), &e, &d, NULL);

		assert_int_equal(r, cases[i].r);
		if (r == 0)
			oe_signed_done(&d);
		free(text);
		free(p);
	}
}

static void
test_signatures(void **state)
{
	struct oe_signed_expect e = expect(0);
	char *good = document(&key, 7), *bad = document(&other, 7), *mixed;
	struct oe_jval *v = NULL, *w = NULL;
	struct oe_signed d;
	size_t i, n = strlen(good);

	(void)state;
	assert_int_equal(
	    oe_signed_read(bad, strlen(bad), &e, &d, NULL), OE_EAUTH);
	/* the other's signature under the pinned key's name */
	assert_int_equal(oe_jval_parse(good, n, &v, NULL), 0);
	assert_int_equal(oe_jval_parse(bad, strlen(bad), &w, NULL), 0);
	oe_jval_set_text(v, "signature", oe_jval_get_text(w, "signature"));
	mixed = oe_jval_dump(v, 0);
	assert_int_equal(
	    oe_signed_read(mixed, strlen(mixed), &e, &d, NULL), OE_EAUTH);
	oe_jval_set_text(v, "signature", "AAAA");
	free(mixed);
	mixed = oe_jval_dump(v, 0);
	assert_int_equal(
	    oe_signed_read(mixed, strlen(mixed), &e, &d, NULL), OE_EPROTO);
	/* every byte of it counts, and so does every byte that is missing */
	for (i = 0; i < n; i++) {
		char was = good[i];

		good[i] = (char)(was ^ 1);
		if (oe_signed_read(good, n, &e, &d, NULL) == 0)
			fail_msg("byte %zu", i);
		good[i] = was;
		assert_true(oe_signed_read(good, i, &e, &d, NULL) < 0);
	}
	oe_jval_free(&v);
	oe_jval_free(&w);
	free(mixed);
	free(good);
	free(bad);
}

static int
store(const char *path, int version, int64_t fetched_ms)
{
	struct oe_signed_expect e = expect(0);
	char *text = document(&key, version);
	struct oe_signed d;
	int r;

	assert_int_equal(oe_signed_read(text, strlen(text), &e, &d, NULL), 0);
	r = oe_signed_store(path, &d, &e, fetched_ms, "\"etag\"", NULL);
	oe_signed_done(&d);
	free(text);
	return r;
}

static void
test_cache(void **state)
{
	char folder[] = "/tmp/test_signed.XXXXXX", path[64];
	struct oe_signed_expect e = expect(0);
	struct oe_signed_cached c;
	struct oe_buf was;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/policy", folder);
	assert_int_equal(oe_signed_load(path, &e, &c, NULL), OE_ENOENT);
	assert_int_equal(store(path, 7, NOW - 5000), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(oe_signed_load(path, &e, &c, NULL), 0);
	assert_true(c.fetched_ms == NOW - 5000);
	assert_string_equal(c.etag, "\"etag\"");
	assert_int_equal(c.doc.version, 7);
	oe_signed_cached_done(&c);
	/* no way back, not by storing and not by reading */
	assert_int_equal(store(path, 6, NOW), OE_EPERM);
	e.version = 8;
	assert_int_equal(oe_signed_load(path, &e, &c, NULL), OE_EPERM);
	e.version = 0;
	/* a time to come is no freshness, a clock that was put right is */
	assert_int_equal(store(path, 8, NOW + OE_SIGNED_AHEAD_MS + 1), 0);
	assert_int_equal(oe_signed_load(path, &e, &c, NULL), 0);
	assert_true(c.fetched_ms == 0);
	oe_signed_cached_done(&c);
	assert_int_equal(store(path, 8, NOW + OE_SIGNED_AHEAD_MS), 0);
	assert_int_equal(oe_signed_load(path, &e, &c, NULL), 0);
	assert_true(c.fetched_ms == NOW);
	oe_signed_cached_done(&c);
	/* others may not have written it */
	assert_int_equal(chmod(path, 0620), 0);
	assert_int_equal(oe_signed_load(path, &e, &c, NULL), OE_EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	/* cut short, as by a full disk that lied */
	assert_int_equal(oe_fd_read_file(path, 1 << 20, &was, NULL), 0);
	assert_int_equal(truncate(path, (off_t)oe_buf_left(&was) / 2), 0);
	assert_true(oe_signed_load(path, &e, &c, NULL) < 0);
	assert_int_equal(store(path, 2, NOW), 0);
	oe_buf_done(&was);
	unlink(path);
	rmdir(folder);
}

/* A word that a document is the newest counts for that version alone. */
static void
test_confirm(void **state)
{
	static const struct {
		uint64_t version;
		int64_t at, want;
	} cases[] = {
	    {8, NOW - 1000, NOW - 5000},
	    {6, NOW - 1000, NOW - 5000},
	    {7, NOW - 1000, NOW - 1000},
	    {7, NOW - 9000, NOW - 5000},
	    {7, NOW + OE_SIGNED_AHEAD_MS + 1, 0},
	};
	char folder[] = "/tmp/test_signed.XXXXXX", path[64], seen[80];
	struct oe_signed_expect e = expect(0);
	struct oe_signed_cached c;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/policy", folder);
	snprintf(seen, sizeof seen, "%s.seen", path);
	assert_int_equal(store(path, 7, NOW - 5000), 0);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(oe_signed_confirm(
				     path, cases[i].version, cases[i].at, NULL),
		    0);
		assert_int_equal(oe_signed_load(path, &e, &c, NULL), 0);
		assert_true(c.fetched_ms == cases[i].want);
		oe_signed_cached_done(&c);
	}
	/* nor one that others could have written */
	assert_int_equal(oe_signed_confirm(path, 7, NOW - 1000, NULL), 0);
	assert_int_equal(chmod(seen, 0666), 0);
	assert_int_equal(oe_signed_load(path, &e, &c, NULL), 0);
	assert_true(c.fetched_ms == NOW - 5000);
	oe_signed_cached_done(&c);
	unlink(seen);
	unlink(path);
	rmdir(folder);
}

/* As a process brings it that is not trusted: only what was signed counts. */
static void
test_parts(void **state)
{
	struct oe_signed_expect e = expect(7);
	char *text = document(&key, 7);
	struct oe_signed_parts p = {0};
	struct oe_signed d;

	(void)state;
	assert_int_equal(oe_signed_split("[]", 2, &p, NULL), OE_EPROTO);
	assert_int_equal(oe_signed_split(text, strlen(text), &p, NULL), 0);
	assert_int_equal(oe_signed_believe(&p, &e, &d, NULL), 0);
	assert_string_equal(d.text, text);
	oe_signed_done(&d);
	p.payload[p.n - 1] = ' ';
	assert_int_equal(oe_signed_believe(&p, &e, &d, NULL), OE_EAUTH);
	p.payload[p.n - 1] = '}';
	p.signature[3] ^= 1;
	assert_int_equal(oe_signed_believe(&p, &e, &d, NULL), OE_EAUTH);
	p.signature[3] ^= 1;
	memcpy(p.key, other.public, sizeof p.key);
	assert_int_equal(oe_signed_believe(&p, &e, &d, NULL), OE_EAUTH);
	memcpy(p.key, key.public, sizeof p.key);
	e.version = 8;
	assert_int_equal(oe_signed_believe(&p, &e, &d, NULL), OE_EPERM);
	oe_signed_parts_done(&p);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_payloads),
	    cmocka_unit_test(test_signatures),
	    cmocka_unit_test(test_cache),
	    cmocka_unit_test(test_confirm),
	    cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
