/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/algos.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/cpu.h"

#define AES_GCM "aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#define CHACHA  "chacha20-poly1305@openssh.com"
#define AES_CTR "aes128-ctr,aes192-ctr,aes256-ctr"
#define SIGNATURES                                                             \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"                 \
	"ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"                      \
	"sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"
#define CERTIFICATES                                                           \
	"ssh-ed25519-cert-v01@openssh.com,"                                    \
	"ecdsa-sha2-nistp256-cert-v01@openssh.com,"                            \
	"ecdsa-sha2-nistp384-cert-v01@openssh.com,"                            \
	"ecdsa-sha2-nistp521-cert-v01@openssh.com,"                            \
	"sk-ssh-ed25519-cert-v01@openssh.com,"                                 \
	"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"                         \
	"rsa-sha2-512-cert-v01@openssh.com,"                                   \
	"rsa-sha2-256-cert-v01@openssh.com"

const char *
oe_algos_default(enum oe_algo_kind kind)
{
	static const char *const lists[OE_ALGO_COUNT] = {
	    [OE_ALGO_KEX] =
		"mlkem768x25519-sha256,sntrup761x25519-sha512,"
		"sntrup761x25519-sha512@openssh.com,"
		"curve25519-sha256,curve25519-sha256@libssh.org,"
		"ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
		"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
		"diffie-hellman-group-exchange-sha256,"
		"diffie-hellman-group14-sha256",
	    [OE_ALGO_CIPHER] = AES_GCM "," CHACHA "," AES_CTR,
	    [OE_ALGO_MAC] = "hmac-sha2-256-etm@openssh.com,"
			    "hmac-sha2-512-etm@openssh.com,"
			    "hmac-sha2-256,hmac-sha2-512",
	    [OE_ALGO_HOSTKEY] = SIGNATURES,
	    [OE_ALGO_PUBKEY] = CERTIFICATES "," SIGNATURES,
	};

	/* without AES in hardware, GCM is slow and leaks time */
	if (kind == OE_ALGO_CIPHER && !oe_cpu_has_aes())
		return CHACHA "," AES_GCM "," AES_CTR;
	return lists[kind];
}

static char *
join(const struct oe_strs *s)
{
	char *all = oe_mem_strdup(s->n ? s->v[0] : ""), *next;
	size_t i;

	for (i = 1; i < s->n; i++) {
		next = oe_mem_printf("%s,%s", all, s->v[i]);
		free(all);
		all = next;
	}
	return all;
}

static void
add_new(struct oe_strs *to, const struct oe_strs *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (!oe_strs_has(to, from->v[i]))
			oe_strs_add(to, from->v[i]);
}

char *
oe_algos_apply(enum oe_algo_kind kind, const char *value)
{
	struct oe_strs ours = {NULL, 0}, given = {NULL, 0}, all = {NULL, 0};
	char *ret;
	size_t i;

	if (!value)
		return oe_mem_strdup(oe_algos_default(kind));
	if (!strchr("+-^", *value) || !*value)
		return oe_mem_strdup(value);
	oe_strs_split(&ours, oe_algos_default(kind), ',');
	oe_strs_split(&given, value + 1, ',');
	if (*value == '-') {
		for (i = 0; i < ours.n; i++)
			if (oe_str_match_list(value + 1, ours.v[i]) != 1)
				oe_strs_add(&all, ours.v[i]);
	} else {
		add_new(&all, *value == '^' ? &given : &ours);
		add_new(&all, *value == '^' ? &ours : &given);
	}
	ret = join(&all);
	oe_strs_done(&ours);
	oe_strs_done(&given);
	oe_strs_done(&all);
	return ret;
}

static bool
of_type(const char *algo, const char *type)
{
	if (oe_str_eq(type, "ssh-rsa"))
		return oe_str_starts(algo, "rsa-sha2-");
	return oe_str_eq(algo, type);
}

char *
oe_algos_prefer(const char *list, const char *type)
{
	struct oe_strs ours = {NULL, 0}, all = {NULL, 0};
	char *ret;
	size_t i;

	oe_strs_split(&ours, list, ',');
	for (i = 0; i < ours.n; i++)
		if (of_type(ours.v[i], type))
			oe_strs_add(&all, ours.v[i]);
	add_new(&all, &ours);
	ret = join(&all);
	oe_strs_done(&ours);
	oe_strs_done(&all);
	return ret;
}
