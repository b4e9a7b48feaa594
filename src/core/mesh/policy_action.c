/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The action of a rule: its fields, and what they mean together.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/mesh/policy_internal.h"

#define AT(type, member)    offsetof(struct type, member)
#define GIVEN(type, member) (offsetof(struct type, member) + 1)

/* The document's own form, before what belongs together is put together. */
struct action_read {
	struct oe_policy_action in;
	bool record_session, has_record, has_record_session, has_sftp;
};

/* --- permits --- */

static void
permit_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_TEXT_MAX, false);

	if (s && !oe_policy__permit_ok(s))
		oe_policy__fault(r,
		    "it is not HOST:PORT, [IPv6]:PORT or NETWORK:PORT, with "
		    "'*' for either part or a range of ports");
	else if (s)
		oe_strs_add(to, s);
}

static void
permits_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__each(r, v, OE_POLICY_LIST_MAX, permit_read, to);
}

/* --- files --- */

static bool
path_has_dots(const char *s)
{
	for (; (s = strstr(s, "/.")); s++)
		if (!s[2] || s[2] == '/' ||
		    (s[2] == '.' && (!s[3] || s[3] == '/')))
			return true;
	return false;
}

static void
path_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_TEXT_MAX, false);
	char *path;
	size_t n;

	if (!s)
		return;
	if (*s != '/' || path_has_dots(s) || strstr(s, "//")) {
		oe_policy__fault(r,
		    "it must be an absolute path without '.', '..' and "
		    "doubled slashes");
		return;
	}
	path = oe_mem_strdup(s);
	n = strlen(path);
	if (n > 1 && path[n - 1] == '/')
		path[n - 1] = 0;
	oe_strs_add_take(to, path);
}

static void
paths_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__each(r, v, OE_POLICY_LIST_MAX, path_read, to);
}

/* One of @names, which NULL ends. */
static int
choice_read(struct oe_policy__reader *r, const struct oe_jval *v,
    const char *const *names)
{
	const char *s = oe_jval_text(v);
	int i;

	for (i = 0; s && names[i]; i++)
		if (!strcmp(names[i], s))
			return i;
	if (names[3])
		oe_policy__fault(r, "it must be one of %s, %s, %s, %s",
		    names[0], names[1], names[2], names[3]);
	else
		oe_policy__fault(r, "it must be one of %s, %s, %s", names[0],
		    names[1], names[2]);
	return 0;
}

static const char *const sftp_modes[] = {"both", "read", "write", NULL};
static const char *const records[] = {"off", "meta", "output", "full", NULL};

const char *
oe_policy_sftp_text(enum oe_policy_sftp_mode m)
{
	return sftp_modes[m];
}

const char *
oe_policy_record_text(enum oe_policy_record r)
{
	return records[r];
}

static void
mode_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	*(enum oe_policy_sftp_mode *)to =
	    (enum oe_policy_sftp_mode)choice_read(r, v, sftp_modes);
}

static const struct oe_policy__field sftp_fields[] = {
    {"mode", mode_read, AT(oe_policy_action, sftp_mode), false, 0},
    {"roots", paths_read, AT(oe_policy_action, sftp_roots), false, 0},
    {NULL, NULL, 0, false, 0},
};

static void
sftp_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__object(r, v, sftp_fields, to);
}

/* --- recording --- */

static void
record_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	*(enum oe_policy_record *)to =
	    (enum oe_policy_record)choice_read(r, v, records);
}

static const struct oe_policy__field failure_fields[] = {
    {"reject_session_with_message", oe_policy__read_message,
	AT(oe_policy_action, record_reject_message), false, 0},
    {"terminate_session_with_message", oe_policy__read_message,
	AT(oe_policy_action, record_terminate_message), false, 0},
    {NULL, NULL, 0, false, 0},
};

static void
failure_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__object(r, v, failure_fields, to);
}

/* --- the whole --- */

static void
allowed_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct oe_policy_action *a = to;

	oe_policy__patterns(r, v, &a->allowed_commands, &a->allowed);
}

static void
blocked_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct oe_policy_action *a = to;

	oe_policy__patterns(r, v, &a->blocked_commands, &a->blocked);
}

static void
sessions_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	int64_t n;

	if (!oe_jval_int(v, &n) || n < 1 || n > OE_POLICY_SESSIONS_MAX)
		oe_policy__fault(r, "it must be a number from 1 to %d",
		    OE_POLICY_SESSIONS_MAX);
	else
		*(unsigned *)to = (unsigned)n;
}

#define ACTION(name, read)                                                     \
	{                                                                      \
#name, read, AT(action_read, in.name), false, 0                \
	}
#define ACTION_GIVEN(name, read, flag)                                         \
	{                                                                      \
#name, read, AT(action_read, in.name), false,                  \
		    GIVEN(action_read, flag)                                   \
	}

static const struct oe_policy__field action_fields[] = {
    ACTION(accept, oe_policy__read_bool),
    ACTION(reject, oe_policy__read_bool),
    ACTION(message, oe_policy__read_message),
    ACTION(allow_agent_forwarding, oe_policy__read_bool),
    ACTION(allow_local_port_forwarding, oe_policy__read_bool),
    ACTION(allow_remote_port_forwarding, oe_policy__read_bool),
    ACTION_GIVEN(permit_open, permits_read, in.open_listed),
    ACTION_GIVEN(permit_listen, permits_read, in.listen_listed),
    ACTION(allow_sftp, oe_policy__read_bool),
    {"sftp", sftp_read, AT(action_read, in), false,
	GIVEN(action_read, has_sftp)},
    ACTION(read_only, oe_policy__read_bool),
    ACTION_GIVEN(allowed_paths, paths_read, in.paths_listed),
    ACTION(force_command, oe_policy__read_command),
    {"allowed_commands", allowed_read, AT(action_read, in), false,
	GIVEN(action_read, in.commands_listed)},
    {"blocked_commands", blocked_read, AT(action_read, in), false, 0},
    {"session_duration", oe_policy__read_seconds,
	AT(action_read, in.session_duration_s), false, 0},
    {"idle_timeout", oe_policy__read_seconds,
	AT(action_read, in.idle_timeout_s), false, 0},
    ACTION(max_sessions, sessions_read),
    ACTION_GIVEN(record, record_read, has_record),
    {"record_session", oe_policy__read_bool, AT(action_read, record_session),
	false, GIVEN(action_read, has_record_session)},
    ACTION(recorders, oe_policy__read_urls),
    {"on_recording_failure", failure_read, AT(action_read, in), false, 0},
    ACTION(hold_and_delegate, oe_policy__read_url),
    {"time_restrictions", oe_policy__read_times, AT(action_read, in.times),
	false, 0},
    {NULL, NULL, 0, false, 0},
};

/* record is ours; record_session is the older word for "output". */
static void
action_record(struct oe_policy__reader *r, struct action_read *in)
{
	bool recorded = in->in.record != OE_POLICY_RECORD_OFF;

	if (in->has_record && in->has_record_session &&
	    recorded != in->record_session)
		oe_policy__fault(
		    r, "'record' and 'record_session' contradict each other");
	else if (in->record_session && !recorded)
		in->in.record = OE_POLICY_RECORD_OUTPUT;
}

static void
action_judge(struct oe_policy__reader *r, const struct action_read *in)
{
	const struct oe_policy_action *a = &in->in;

	if (a->read_only && a->sftp_mode == OE_POLICY_SFTP_WRITE)
		oe_policy__fault(
		    r, "'read_only' and a 'sftp' mode of write leave nothing");
	if (a->accept && a->reject)
		oe_policy__warn(r, "it accepts and rejects: it rejects");
	if (!a->accept && !a->reject)
		oe_policy__warn(
		    r, "it neither accepts nor rejects, which rejects");
	if (a->open_listed && !a->allow_local_port_forwarding)
		oe_policy__warn(r, "'permit_open' does nothing without "
				   "'allow_local_port_forwarding'");
	if (a->listen_listed && !a->allow_remote_port_forwarding)
		oe_policy__warn(r, "'permit_listen' does nothing without "
				   "'allow_remote_port_forwarding'");
	if (in->has_sftp && !a->allow_sftp)
		oe_policy__warn(r, "'sftp' does nothing without 'allow_sftp'");
	if (in->has_sftp && a->accept && !a->force_command &&
	    !oe_policy_confines(a))
		oe_policy__warn(r,
		    "'sftp' bounds that subsystem only: a shell and commands "
		    "reach every file of the user; 'allowed_paths' and "
		    "'read_only' leave no shell");
	if (a->force_command && (a->commands_listed || a->blocked_commands.n))
		oe_policy__warn(r,
		    "'force_command' runs whatever the client asks for: the "
		    "lists of commands do nothing beside it");
}

void
oe_policy__read_action(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct action_read in = {.in = {.allow_sftp = true}};
	unsigned before = r->mistakes;

	oe_policy__object(r, v, action_fields, &in);
	action_record(r, &in);
	if (r->mistakes == before)
		action_judge(r, &in);
	*(struct oe_policy_action *)to = in.in;
}

void
oe_policy__action_done(struct oe_policy_action *a)
{
	oe_mem_free(&a->message);
	oe_strs_done(&a->permit_open);
	oe_strs_done(&a->permit_listen);
	oe_strs_done(&a->sftp_roots);
	oe_strs_done(&a->allowed_paths);
	oe_mem_free(&a->force_command);
	oe_strs_done(&a->allowed_commands);
	oe_strs_done(&a->blocked_commands);
	oe_policy__patterns_free(&a->allowed);
	oe_policy__patterns_free(&a->blocked);
	oe_strs_done(&a->recorders);
	oe_mem_free(&a->record_reject_message);
	oe_mem_free(&a->record_terminate_message);
	oe_mem_free(&a->hold_and_delegate);
	oe_policy__times_free(&a->times);
}

bool
oe_policy_confines(const struct oe_policy_action *a)
{
	return a->read_only || a->paths_listed || a->commands_listed ||
	       a->blocked_commands.n;
}

/* Is @path in the tree @root? */
static bool
path_within(const char *path, const char *root)
{
	size_t n = strlen(root);

	return !strcmp(root, "/") ||
	       (!strncmp(path, root, n) && (!path[n] || path[n] == '/'));
}

static void
roots_common(
    const struct oe_strs *a, const struct oe_strs *b, struct oe_strs *ret)
{
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		for (k = 0; k < b->n; k++) {
			const char *deeper =
			    path_within(a->v[i], b->v[k])   ? a->v[i]
			    : path_within(b->v[k], a->v[i]) ? b->v[k]
							    : NULL;

			if (deeper && !oe_strs_has(ret, deeper))
				oe_strs_add(ret, deeper);
		}
	}
}

bool
oe_policy_roots(const struct oe_policy_action *a, struct oe_strs *ret)
{
	const struct oe_strs *only =
	    a->paths_listed ? &a->allowed_paths : &a->sftp_roots;
	size_t i;

	if (a->paths_listed && a->sftp_roots.n) {
		roots_common(&a->allowed_paths, &a->sftp_roots, ret);
		return ret->n > 0;
	}
	for (i = 0; i < only->n; i++)
		oe_strs_add(ret, only->v[i]);
	return ret->n > 0 || !a->paths_listed;
}
