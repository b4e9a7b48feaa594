/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules are about somebody: a table from every principal and every
 * name in ssh_users to the rules that have it.  A decision looks up what is
 * known of the subject, marks those rules as bits, and takes the first that
 * is marked by a principal and by a user: its time does not grow with rules
 * that are about others.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/mem.h"
#include "core/mesh/policy_internal.h"
#include "core/net/cidr.h"

/* What a key of the table is: a kind of principal, or one of these. */
#define KEY_SUFFIX   0x10000u
#define KEY_SSH_USER 0x20000u

struct entry {
	uint64_t hash;
	unsigned kind;
	const uint8_t *key; /* borrowed from the rule; n bytes */
	size_t n;
	uint32_t *rules; /* ascending */
	size_t n_rules, room;
};

struct oe_policy__index {
	struct entry *v;
	size_t n, size; /* size: a power of two, more than n */
	bool suffix_len[OE_POLICY_NAME_MAX + 1];
	bool prefix_len[2][129]; /* IPv4, IPv6 */
};

/* What a decision found; the matched kinds are told from it. */
struct found {
	const struct entry **v;
	size_t n, room;
	uint64_t *marks, *users;
};

/* FNV-1a: the keys are the policy's own, nobody floods the table. */
static uint64_t
index_hash(unsigned kind, const void *key, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ kind;
	const uint8_t *p = key;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

static struct entry *
index_slot(const struct oe_policy__index *x, unsigned kind, const void *key,
    size_t n, uint64_t hash)
{
	size_t i = hash & (x->size - 1);
	struct entry *e;

	for (;; i = (i + 1) & (x->size - 1)) {
		e = &x->v[i];
		if (!e->key || (e->hash == hash && e->kind == kind &&
				   e->n == n && !memcmp(e->key, key, n)))
			return e;
	}
}

static void
index_grow(struct oe_policy__index *x)
{
	struct oe_policy__index old = *x;
	size_t i;

	x->size = old.size ? old.size * 2 : 64;
	x->v = oe_mem_zalloc(x->size * sizeof *x->v);
	for (i = 0; i < old.size; i++)
		if (old.v[i].key)
			*index_slot(x, old.v[i].kind, old.v[i].key, old.v[i].n,
			    old.v[i].hash) = old.v[i];
	free(old.v);
}

static void
index_add(struct oe_policy__index *x, unsigned kind, const void *key, size_t n,
    size_t rule)
{
	uint64_t hash = index_hash(kind, key, n);
	struct entry *e;

	if ((x->n + 1) * 2 > x->size)
		index_grow(x);
	e = index_slot(x, kind, key, n, hash);
	if (!e->key) {
		*e = (struct entry){
		    .hash = hash, .kind = kind, .key = key, .n = n};
		x->n++;
	}
	if (e->n_rules && e->rules[e->n_rules - 1] == rule)
		return;
	if (e->n_rules == e->room) {
		e->room = e->room ? e->room * 2 : 2;
		e->rules =
		    oe_mem_realloc_array(e->rules, e->room, sizeof *e->rules);
	}
	e->rules[e->n_rules++] = (uint32_t)rule;
}

void
oe_policy__net(const struct oe_addr *addr, unsigned prefix,
    uint8_t ret[OE_POLICY__NET_SIZE])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool v4 = addr->family == AF_INET;
	const uint8_t *bytes = addr->bytes;
	unsigned i, most = v4 ? 32 : 128;

	/* ::ffff:a.b.c.d is the IPv4 address, as core/net/cidr.h has it */
	if (!v4 && !memcmp(bytes, mapped, sizeof mapped)) {
		v4 = true;
		bytes += sizeof mapped;
		prefix = prefix > 96 ? prefix - 96 : 0;
		most = 32;
	}
	prefix = prefix < most ? prefix : most;
	memset(ret, 0, OE_POLICY__NET_SIZE);
	ret[0] = v4 ? 4 : 6;
	ret[1] = (uint8_t)prefix;
	for (i = 0; i < prefix; i++)
		ret[2 + i / 8] |= (uint8_t)(bytes[i / 8] & (0x80u >> (i % 8)));
}

static void
index_principal(struct oe_policy__index *x,
    const struct oe_policy__principal *p, size_t rule)
{
	size_t n = p->text ? strlen(p->text) : 0;

	if (p->kind == OE_POLICY_ANY) {
		index_add(x, p->kind, "", 0, rule);
	} else if (p->kind == OE_POLICY_CIDR || p->kind == OE_POLICY_NODE_IP) {
		index_add(x, p->kind, p->net, sizeof p->net, rule);
		if (p->kind == OE_POLICY_CIDR)
			x->prefix_len[p->net[0] == 6][p->net[1]] = true;
	} else if (p->suffix) {
		index_add(x, KEY_SUFFIX, p->text, n, rule);
		x->suffix_len[n] = true;
	} else {
		index_add(x, p->kind, p->text, n, rule);
	}
}

struct oe_policy__index *
oe_policy__index_new(const struct oe_policy *p)
{
	struct oe_policy__index *x = oe_mem_zalloc(sizeof *x);
	size_t i, k;

	index_grow(x);
	for (i = 0; i < p->n; i++) {
		const struct oe_policy__rule *rule = &p->rules[i];

		for (k = 0; k < rule->n_principals; k++)
			index_principal(x, &rule->principals[k], i);
		for (k = 0; k < rule->n_users; k++)
			index_add(x, KEY_SSH_USER, rule->users[k].ssh,
			    strlen(rule->users[k].ssh), i);
	}
	return x;
}

void
oe_policy__index_free(struct oe_policy__index **px)
{
	struct oe_policy__index *x = *px;
	size_t i;

	if (!x)
		return;
	for (i = 0; i < x->size; i++)
		free(x->v[i].rules);
	free(x->v);
	oe_mem_free(px);
}

static void
found_mark(uint64_t *marks, const struct entry *e)
{
	size_t i;

	for (i = 0; i < e->n_rules; i++)
		marks[e->rules[i] / 64] |= UINT64_C(1) << (e->rules[i] % 64);
}

static const struct entry *
index_get(
    const struct oe_policy__index *x, unsigned kind, const void *key, size_t n)
{
	const struct entry *e =
	    index_slot(x, kind, key, n, index_hash(kind, key, n));

	return e->key ? e : NULL;
}

static void
found_key(struct found *f, const struct oe_policy__index *x, unsigned kind,
    const void *key, size_t n)
{
	const struct entry *e = index_get(x, kind, key, n);

	if (!e)
		return;
	if (f->n == f->room) {
		f->room = f->room ? f->room * 2 : 16;
		f->v = oe_mem_realloc_array(f->v, f->room, sizeof *f->v);
	}
	f->v[f->n++] = e;
	found_mark(f->marks, e);
}

static void
found_text(struct found *f, const struct oe_policy__index *x, unsigned kind,
    const char *text)
{
	if (text)
		found_key(f, x, kind, text, strlen(text));
}

static void
found_list(struct found *f, const struct oe_policy__index *x, unsigned kind,
    const struct oe_strs *list)
{
	size_t i;

	for (i = 0; list && i < list->n; i++)
		found_text(f, x, kind, list->v[i]);
}

static void
found_email(
    struct found *f, const struct oe_policy__index *x, const char *email)
{
	size_t n, i;

	if (!email || !*email)
		return;
	n = strlen(email);
	found_key(f, x, OE_POLICY_USER_EMAIL, email, n);
	for (i = 0; i <= n && i <= OE_POLICY_NAME_MAX; i++)
		if (x->suffix_len[i])
			found_key(f, x, KEY_SUFFIX, email + n - i, i);
}

static void
found_source(struct found *f, const struct oe_policy__index *x,
    const struct oe_addr *source)
{
	uint8_t net[OE_POLICY__NET_SIZE], key[OE_POLICY__NET_SIZE];
	struct oe_addr a = {.family = AF_INET6};
	unsigned i;

	if (!source)
		return;
	oe_policy__net(source, 128, net);
	if (net[0] == 4)
		a.family = AF_INET;
	memcpy(a.bytes, net + 2, sizeof a.bytes);
	for (i = 0; i <= net[1]; i++) {
		if (!x->prefix_len[net[0] == 6][i])
			continue;
		oe_policy__net(&a, i, key);
		found_key(f, x, OE_POLICY_CIDR, key, sizeof key);
	}
}

static void
found_subject(struct found *f, const struct oe_policy__index *x,
    const struct oe_policy_subject *s)
{
	const struct entry *e;
	uint8_t net[OE_POLICY__NET_SIZE];

	found_key(f, x, OE_POLICY_ANY, "", 0);
	found_text(f, x, OE_POLICY_NODE_ID, s->node_id);
	found_text(f, x, OE_POLICY_NETWORK_ID, s->network_id);
	found_text(f, x, OE_POLICY_FINGERPRINT, s->fingerprint);
	found_email(f, x, s->user_email);
	found_list(f, x, OE_POLICY_TAG, s->tags);
	found_list(f, x, OE_POLICY_GROUP, s->groups);
	found_list(f, x, OE_POLICY_CERT_PRINCIPAL, s->cert_principals);
	found_source(f, x, s->source);
	if (s->node_ip) {
		oe_policy__net(s->node_ip, 128, net);
		found_key(f, x, OE_POLICY_NODE_IP, net, sizeof net);
	}
	e = index_get(
	    x, KEY_SSH_USER, s->requested_user, strlen(s->requested_user));
	if (e)
		found_mark(f->users, e);
	e = index_get(x, KEY_SSH_USER, "*", 1);
	if (e)
		found_mark(f->users, e);
}

static int
rule_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static unsigned
found_kinds(const struct found *f, size_t rule)
{
	uint32_t key = (uint32_t)rule;
	unsigned kinds = 0;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (bsearch(&key, f->v[i]->rules, f->v[i]->n_rules, sizeof key,
			rule_order))
			kinds |= f->v[i]->kind == KEY_SUFFIX
				     ? (unsigned)OE_POLICY_USER_EMAIL
				     : f->v[i]->kind;
	return kinds;
}

static const struct oe_policy__rule *
found_first(const struct found *f, const struct oe_policy *p, int64_t now_s)
{
	const struct oe_policy__rule *rule;
	uint64_t both;
	size_t w;

	for (w = 0; w < p->n / 64 + 1; w++) {
		for (both = f->marks[w] & f->users[w]; both; both &= both - 1) {
			rule =
			    &p->rules[w * 64 + (size_t)__builtin_ctzll(both)];
			if (now_s < rule->expires_s)
				return rule;
		}
	}
	return NULL;
}

const struct oe_policy__rule *
oe_policy__index_find(const struct oe_policy *p,
    const struct oe_policy_subject *s, unsigned *matched)
{
	size_t words = p->n / 64 + 1;
	const struct oe_policy__rule *rule;
	struct found f = {NULL, 0, 0, NULL, NULL};

	f.marks = oe_mem_zalloc(2 * words * sizeof *f.marks);
	f.users = f.marks + words;
	found_subject(&f, p->index, s);
	rule = found_first(&f, p, s->now_s);
	*matched = rule ? found_kinds(&f, (size_t)(rule - p->rules)) : 0;
	free(f.marks);
	free(f.v);
	return rule;
}
