/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document: rules, who they are about, and whom they let in as whom.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/policy_internal.h"
#include "core/net/cidr.h"

/* SHA-256 in base64 without padding. */
#define FINGERPRINT_LEN (7 + 43)

static void
moment_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_jval_text(v);
	int64_t ms;

	if (!s || oe_time_parse(s, &ms) < 0)
		oe_policy__fault(r,
		    "it must be a time as in RFC 3339: 2030-01-31T12:00:00Z");
	else
		*(int64_t *)to = ms / 1000;
}

/* --- principals --- */

/* One for the field in hand; the rule owns it. */
static struct oe_policy__principal *
principal_add(
    struct oe_policy__rule *rule, enum oe_policy_kind kind, const char *text)
{
	struct oe_policy__principal *p;

	rule->principals = oe_mem_realloc_array(
	    rule->principals, rule->n_principals + 1, sizeof *p);
	p = &rule->principals[rule->n_principals++];
	memset(p, 0, sizeof *p);
	p->kind = kind;
	p->text = oe_mem_strdup(text);
	return p;
}

static void
principal_name(struct oe_policy__reader *r, const struct oe_jval *v, void *to,
    enum oe_policy_kind kind)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_NAME_MAX, false);

	if (s)
		principal_add(to, kind, s);
}

static void
node_id_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	principal_name(r, v, to, OE_POLICY_NODE_ID);
}

static void
network_id_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	principal_name(r, v, to, OE_POLICY_NETWORK_ID);
}

static void
tag_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	principal_name(r, v, to, OE_POLICY_TAG);
}

static void
group_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	principal_name(r, v, to, OE_POLICY_GROUP);
}

static void
cert_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	principal_name(r, v, to, OE_POLICY_CERT_PRINCIPAL);
}

static void
email_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_NAME_MAX, false), *c;
	bool suffix;

	if (!s)
		return;
	suffix = *s == '*';
	if (strchr(s + suffix, '*')) {
		oe_policy__fault(r, "a '*' may only stand at the beginning");
		return;
	}
	for (c = s; *c && !isupper((unsigned char)*c); c++)
		continue;
	if (*c)
		oe_policy__warn(r,
		    "it has capital letters: addresses of accounts are in "
		    "small letters, and compared exactly");
	if (suffix && s[1] && s[1] != '@')
		oe_policy__warn(r,
		    "'*' stands for any text: '*example.org' covers "
		    "'eve@notexample.org' too");
	principal_add(to, OE_POLICY_USER_EMAIL, s + suffix)->suffix = suffix;
}

static void
node_ip_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_NAME_MAX, false);
	struct oe_err err = OE_ERR_INIT;
	struct oe_addr a;

	if (!s)
		return;
	if (oe_addr_parse(s, &a, &err) < 0)
		oe_policy__fault(r, "%s", oe_err_text(&err));
	else
		oe_policy__net(
		    &a, 128, principal_add(to, OE_POLICY_NODE_IP, NULL)->net);
}

static void
cidr_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_NAME_MAX, false);
	struct oe_cidr_list *l = oe_cidr_list_new();
	struct oe_err err = OE_ERR_INIT;
	char host[OE_ADDR_TEXT_MAX];
	const char *slash;
	struct oe_addr a;
	size_t n;

	if (s && oe_cidr_list_add(l, s, &err) < 0) {
		oe_policy__fault(r, "%s", oe_err_text(&err));
	} else if (s) {
		/* the list has it as address/prefix */
		s = oe_cidr_list_text(l, 0);
		slash = strchr(s, '/');
		n = slash ? (size_t)(slash - s) : strlen(s);
		n = n < sizeof host ? n : sizeof host - 1;
		memcpy(host, s, n);
		host[n] = 0;
		if (oe_addr_parse(host, &a, NULL) < 0)
			abort();
		oe_policy__net(&a,
		    slash ? (unsigned)strtoul(slash + 1, NULL, 10) : 128,
		    principal_add(to, OE_POLICY_CIDR, NULL)->net);
	}
	oe_cidr_list_free(&l);
}

static void
fingerprint_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_NAME_MAX, false), *c;

	if (!s)
		return;
	for (c = s + 7; oe_str_starts(s, "SHA256:") && *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '+' && *c != '/')
			break;
	if (strlen(s) != FINGERPRINT_LEN || !oe_str_starts(s, "SHA256:") || *c)
		oe_policy__fault(r, "it must be SHA256: and 43 characters, as "
				    "'ssh-keygen -l' prints it");
	else
		principal_add(to, OE_POLICY_FINGERPRINT, s);
}

static void
any_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	bool any = false;

	oe_policy__read_bool(r, v, &any);
	if (any)
		principal_add(to, OE_POLICY_ANY, NULL);
}

static const struct oe_policy__field principal_fields[] = {
    {"any", any_read, 0, false, 0},
    {"node_id", node_id_read, 0, false, 0},
    {"node_ip", node_ip_read, 0, false, 0},
    {"user_email", email_read, 0, false, 0},
    {"network_id", network_id_read, 0, false, 0},
    {"tag", tag_read, 0, false, 0},
    {"group", group_read, 0, false, 0},
    {"cidr", cidr_read, 0, false, 0},
    {"fingerprint", fingerprint_read, 0, false, 0},
    {"cert_principal", cert_read, 0, false, 0},
    {NULL, NULL, 0, false, 0},
};

static void
principal_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct oe_policy__rule *rule = to;
	unsigned before = r->mistakes;
	size_t had = rule->n_principals;

	oe_policy__object(r, v, principal_fields, rule);
	if (r->mistakes == before && rule->n_principals == had)
		oe_policy__warn(r, "it names nobody");
	else if (rule->n_principals > had + 1)
		oe_policy__warn(r,
		    "it has several fields: any one of them is enough, as if "
		    "they were principals of their own");
}

static void
principals_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	if (oe_jval_kind(v) == OE_JVAL_ARRAY && !oe_jval_size(v))
		oe_policy__warn(r, "there is none: the rule matches nobody");
	oe_policy__each(r, v, OE_POLICY_LIST_MAX, principal_read, to);
}

/* --- users --- */

static bool
user_ok(const char *s)
{
	return *s && strlen(s) <= OE_POLICY_NAME_MAX && *s != '-' &&
	       !strpbrk(s, " \t\r\n:/") && strcmp(s, ".") && strcmp(s, "..");
}

static void
user_read(struct oe_policy__reader *r, const char *ssh, const struct oe_jval *v,
    struct oe_policy__rule *rule)
{
	const char *local = oe_policy__text(r, v, OE_POLICY_NAME_MAX, false);
	struct oe_policy__user *u;

	if (!local)
		return;
	if (!user_ok(ssh) || !user_ok(local)) {
		oe_policy__fault(r, "it is no name of a user");
		return;
	}
	if (!strcmp(ssh, "*") && !strcmp(local, "root")) {
		oe_policy__fault(r,
		    "root is not given to '*': name the user who may be root");
		return;
	}
	if (!strcmp(local, "*")) {
		oe_policy__fault(r,
		    "the local user is a name, '=' for the same name, or "
		    "'localpart'");
		return;
	}
	if (!strcmp(ssh, "root") && !strcmp(local, "="))
		oe_policy__warn(
		    r, "'=' never leads to root: \"root\": \"root\" does");
	rule->users =
	    oe_mem_realloc_array(rule->users, rule->n_users + 1, sizeof *u);
	u = &rule->users[rule->n_users++];
	u->ssh = oe_mem_strdup(ssh);
	u->local = oe_mem_strdup(local);
}

static int
user_order(const void *a, const void *b)
{
	const struct oe_policy__user *x = a, *y = b;

	return strcmp(x->ssh, y->ssh);
}

static void
users_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct oe_policy__rule *rule = to;
	const struct oe_jval *member;
	const char *key;
	void *iter = NULL;
	size_t i = 0;

	if (oe_jval_kind(v) != OE_JVAL_OBJECT ||
	    oe_jval_size(v) > OE_POLICY_LIST_MAX) {
		oe_policy__fault(r,
		    "it must be an object of at most %d members",
		    OE_POLICY_LIST_MAX);
		return;
	}
	if (!oe_jval_size(v))
		oe_policy__warn(r, "there is none: the rule matches nobody");
	while (oe_jval_next(v, &iter, &key, &member)) {
		oe_policy__enter(r, key, i++);
		user_read(r, key, member, rule);
		oe_policy__leave(r);
	}
	if (rule->n_users)
		qsort(rule->users, rule->n_users, sizeof *rule->users,
		    user_order);
}

/* --- rules --- */

static void
env_item_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_NAME_MAX, false), *c;

	if (!s)
		return;
	for (c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_*?", *c)) {
			oe_policy__fault(r,
			    "it is no name of a variable, '*' and '?' stand "
			    "for what may be there");
			return;
		}
	oe_strs_add(to, s);
}

static void
env_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__each(r, v, OE_POLICY_LIST_MAX, env_item_read, to);
}

static const struct oe_policy__field rule_fields[] = {
    {"id", oe_policy__read_name, offsetof(struct oe_policy__rule, id), true, 0},
    {"principals", principals_read, 0, true, 0},
    {"ssh_users", users_read, 0, true, 0},
    {"action", oe_policy__read_action, offsetof(struct oe_policy__rule, action),
	true, 0},
    {"accept_env", env_read, offsetof(struct oe_policy__rule, accept_env),
	false, offsetof(struct oe_policy__rule, has_accept_env) + 1},
    {"expires", moment_read, offsetof(struct oe_policy__rule, expires_s), false,
	0},
    {NULL, NULL, 0, false, 0},
};

static void
rule_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct oe_policy *p = to;
	struct oe_policy__rule *rule = &p->rules[p->n++];

	rule->expires_s = INT64_MAX;
	oe_policy__object(r, v, rule_fields, rule);
	if (rule->expires_s <= oe_time_wall_ms() / 1000)
		oe_policy__warn(r, "it has expired");
}

static int
id_order(const void *a, const void *b)
{
	const struct oe_policy__rule *const *x = a, *const *y = b;
	int c = strcmp((*x)->id, (*y)->id);

	/* equal ids in the order of the document */
	return c ? c : (*x > *y) - (*x < *y);
}

/* Two rules of one name could not be told apart in a log. */
static void
rules_unique(struct oe_policy__reader *r, const struct oe_policy *p)
{
	const struct oe_policy__rule **v =
	    oe_mem_realloc_array(NULL, p->n + 1, sizeof *v);
	size_t n = 0, i;

	for (i = 0; i < p->n; i++)
		if (p->rules[i].id)
			v[n++] = &p->rules[i];
	qsort(v, n, sizeof *v, id_order);
	for (i = 1; i < n; i++) {
		if (strcmp(v[i]->id, v[i - 1]->id))
			continue;
		oe_policy__enter(r, NULL, (size_t)(v[i] - p->rules));
		oe_policy__fault(
		    r, "rule %zu has the same id", v[i - 1] - p->rules + 1);
		oe_policy__leave(r);
	}
	free(v);
}

static void
rules_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct oe_policy *p = to;

	if (oe_jval_kind(v) == OE_JVAL_ARRAY &&
	    oe_jval_size(v) <= OE_POLICY_RULES_MAX)
		p->rules =
		    oe_mem_zalloc((oe_jval_size(v) + 1) * sizeof *p->rules);
	oe_policy__each(r, v, OE_POLICY_RULES_MAX, rule_read, p);
	rules_unique(r, p);
}

static void
version_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	int64_t n;

	if (!oe_jval_int(v, &n) || n < 0)
		oe_policy__fault(r, "it must be a whole number from 0");
	else
		*(uint64_t *)to = (uint64_t)n;
}

static const struct oe_policy__field policy_fields[] = {
    {"version", version_read, offsetof(struct oe_policy, version), false, 0},
    {"updated_at", moment_read, offsetof(struct oe_policy, updated_s), false,
	0},
    {"rules", rules_read, 0, true, 0},
    {NULL, NULL, 0, false, 0},
};

static int
parse_value(struct oe_policy__reader *r, const struct oe_jval *v,
    struct oe_policy **ret)
{
	struct oe_policy *p = oe_mem_zalloc(sizeof *p);

	oe_policy__object(r, v, policy_fields, p);
	if (r->mistakes) {
		oe_policy_free(&p);
		return OE_EINVAL;
	}
	p->index = oe_policy__index_new(p);
	*ret = p;
	return 0;
}

int
oe_policy_parse_value(const struct oe_jval *v,
    const struct oe_policy_faults *faults, struct oe_policy **ret,
    struct oe_err *err)
{
	struct oe_policy__reader r = {.faults = faults, .err = err};

	return parse_value(&r, v, ret);
}

int
oe_policy_parse(const void *text, size_t n,
    const struct oe_policy_faults *faults, struct oe_policy **ret,
    struct oe_err *err)
{
	struct oe_policy__reader r = {
	    .text = text, .n = n, .faults = faults, .err = err};
	struct oe_jval *v = NULL;
	int rc;

	if (n > OE_POLICY_SIZE_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "the policy is larger than %d bytes", OE_POLICY_SIZE_MAX);
	rc = oe_jval_parse(text, n, &v, err);
	if (rc < 0)
		return rc;
	rc = parse_value(&r, v, ret);
	oe_jval_free(&v);
	return rc;
}
