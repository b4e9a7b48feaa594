/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user types at ~C, and the list that ~# shows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "forwarding/client_internal.h"

static void
say(struct oe_cli_say to, char *text)
{
	to.line(to.arg, text);
	free(text);
}

static const char *
state_text(const struct oe_fwd__forward *f)
{
	switch (f->state) {
	case OE_FWD__IDLE:
	case OE_FWD__WAITING:
		return " (waits for the peer)";
	case OE_FWD__FAILED:
		return " (failed)";
	case OE_FWD__UP:
		break;
	}
	return "";
}

void
oe_fwd__list(const struct oe_cli_forwards *set, struct oe_cli_say to)
{
	const struct oe_fwd__forward *f;
	uint64_t sent, received;
	char *what, port[32];

	for (f = set->first; f; f = f->next) {
		oe_fwd__bytes(f, &sent, &received);
		what = oe_fwd__describe(f);
		port[0] = '\0';
		if (f->port != f->spec.listen.port)
			snprintf(port, sizeof port, " (port %d)", f->port);
		say(to, oe_mem_printf("%s%s%s: %zu open, %" PRIu64
				      " so far; %" PRIu64
				      " bytes sent, %" PRIu64 " received",
			    what, port, state_text(f), f->open, f->count, sent,
			    received));
		free(what);
	}
}

static void
help(struct oe_cli_say to)
{
	static const char *const lines[] = {
	    "-L[bind_address:]port:host:hostport   forward a local port",
	    "-R[bind_address:]port:host:hostport   forward a remote port",
	    "-D[bind_address:]port                 local SOCKS proxy",
	    "-R[bind_address:]port                 remote SOCKS proxy",
	    "-KL[bind_address:]port                end a local forward",
	    "-KR[bind_address:]port                end a remote forward",
	    "-KD[bind_address:]port                end a SOCKS proxy",
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(lines); i++)
		to.line(to.arg, lines[i]);
}

static int
kind_of(char letter)
{
	return letter == 'L'   ? OE_FWD_LOCAL
	       : letter == 'R' ? OE_FWD_REMOTE
	       : letter == 'D' ? OE_FWD_DYNAMIC
			       : -1;
}

static void
end_one(struct oe_cli_forwards *set, enum oe_fwd_kind kind, const char *text,
    struct oe_cli_say to)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd__forward *f;
	struct oe_fwd_spec where;

	if (oe_fwd__read(set->conf, oe_fwd_spec_parse_listen, kind, text,
		&where, &err) < 0) {
		to.line(to.arg, oe_err_text(&err));
		return;
	}
	f = oe_fwd__find(set, &where);
	oe_fwd_spec_done(&where);
	if (f)
		oe_fwd__remove(f);
	to.line(
	    to.arg, f ? "Canceled forwarding." : "Unknown port forwarding.");
}

int
oe_fwd__add_text(struct oe_cli_forwards *set, enum oe_fwd_kind kind,
    const char *text, struct oe_fwd__forward **ret, struct oe_err *err)
{
	struct oe_fwd__forward *f;
	struct oe_fwd_spec spec;
	int r;

	if (set->n >= OE_FWD_FORWARDS_MAX)
		return oe_err_set(err, OE_ETOOBIG, "too many forwards");
	r = oe_fwd__read(set->conf, oe_fwd_spec_parse, kind, text, &spec, err);
	if (r < 0)
		return r;
	f = oe_fwd__add(set, &spec);
	f->late = true;
	r = oe_fwd__start(f, err);
	if (r < 0)
		oe_fwd__remove(f);
	else if (ret)
		*ret = f;
	return r;
}

static void
add_one(struct oe_cli_forwards *set, enum oe_fwd_kind kind, const char *text,
    struct oe_cli_say to)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd__forward *f;

	if (oe_fwd__add_text(set, kind, text, &f, &err) < 0)
		to.line(to.arg, oe_err_text(&err));
	else if (f->state == OE_FWD__WAITING)
		oe_fwd__await(f, to);
	else
		to.line(to.arg, "Forwarding port.");
}

/* "-L..." after the dash; the letter's value may follow a blank. */
static const char *
value_of(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

void
oe_fwd__command(
    struct oe_cli_forwards *set, const char *text, struct oe_cli_say to)
{
	const char *s = value_of(text);
	bool end;
	int kind;

	if (*s == '\0')
		return;
	if (*s == '?' || oe_str_starts(s, "-h") || oe_str_eq(s, "help")) {
		help(to);
		return;
	}
	if (*s == '-')
		s++;
	end = *s == 'K';
	if (end)
		s++;
	kind = kind_of(*s);
	if (kind < 0) {
		to.line(to.arg, "Invalid command; ? shows those there are.");
		return;
	}
	s = value_of(s + 1);
	if (end)
		end_one(set, (enum oe_fwd_kind)kind, s, to);
	else
		add_one(set, (enum oe_fwd_kind)kind, s, to);
}
