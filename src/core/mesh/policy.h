/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/policy.h - the policy document: who may log in as whom, and what
 * they may do then.  The document: doc/protocol/policy.md.
 *
 * Rules are read from top to bottom.  The first one that matches decides; one
 * that has expired is passed over; without a match nothing is permitted.
 * Parsed policies do not change, and deciding changes nothing: any number of
 * processes may share one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_addr;
struct oe_err;
struct oe_jval;
struct oe_policy;
struct oe_policy_patterns; /* compiled regular expressions */
struct oe_policy_times;

/* Bounds of a document. */
#define OE_POLICY_SIZE_MAX     (16 * 1024 * 1024)
#define OE_POLICY_RULES_MAX    20000
#define OE_POLICY_LIST_MAX     1000 /* items of one list */
#define OE_POLICY_NAME_MAX     255  /* ids, names, tags, users */
#define OE_POLICY_TEXT_MAX     2048 /* messages, commands, paths, addresses */
#define OE_POLICY_PATTERN_MAX  512  /* a regular expression */
#define OE_POLICY_SECONDS_MAX  315360000 /* ten years */
#define OE_POLICY_SESSIONS_MAX 1000
/* A command that patterns are to judge; a longer one is refused. */
#define OE_POLICY_COMMAND_MAX 4096
/* Faults that are told; the document is refused at the first all the same. */
#define OE_POLICY_FAULTS_MAX 100

/* One mistake, or one thing that is worth a second look. */
struct oe_policy_fault {
	bool warning;        /* the document is usable all the same */
	const char *pointer; /* RFC 6901: "/rules/3/action/record" */
	unsigned line;       /* in the text, from 1; 0 when there was none */
	const char *text;
};

/* Where faults go; borrowed only during the call. */
struct oe_policy_faults {
	void (*tell)(void *arg, const struct oe_policy_fault *f);
	void *arg;
};

enum oe_policy_sftp_mode {
	OE_POLICY_SFTP_BOTH,
	OE_POLICY_SFTP_READ,
	OE_POLICY_SFTP_WRITE,
};

enum oe_policy_record {
	OE_POLICY_RECORD_OFF,
	OE_POLICY_RECORD_META,
	OE_POLICY_RECORD_OUTPUT,
	OE_POLICY_RECORD_FULL,
};

/* What a rule does; every field of the document, defaults filled in. */
struct oe_policy_action {
	bool accept, reject;
	char *message; /* for the person, or NULL */
	bool allow_agent_forwarding;
	bool allow_local_port_forwarding, allow_remote_port_forwarding;
	/* targets as server/permits.h reads them; not listed: all */
	bool open_listed, listen_listed;
	struct oe_strs permit_open, permit_listen;
	bool allow_sftp;
	enum oe_policy_sftp_mode sftp_mode;
	struct oe_strs sftp_roots; /* absolute; empty: no bounds */
	bool read_only;
	bool paths_listed;
	struct oe_strs allowed_paths; /* absolute */
	char *force_command;          /* or NULL */
	bool commands_listed;         /* allowed_commands was given */
	struct oe_strs allowed_commands, blocked_commands;
	struct oe_policy_patterns *allowed, *blocked; /* the same, compiled */
	int64_t session_duration_s, idle_timeout_s;   /* 0: no end */
	unsigned max_sessions;                        /* 0: no bound */
	enum oe_policy_record record;
	struct oe_strs recorders;
	/* on_recording_failure, or NULL */
	char *record_reject_message, *record_terminate_message;
	char *hold_and_delegate;       /* URL, or NULL */
	struct oe_policy_times *times; /* time_restrictions, or NULL */
};

/* Kinds of principals, as bits. */
enum oe_policy_kind {
	OE_POLICY_ANY = 1 << 0,
	OE_POLICY_NODE_ID = 1 << 1,
	OE_POLICY_NODE_IP = 1 << 2,
	OE_POLICY_USER_EMAIL = 1 << 3,
	OE_POLICY_NETWORK_ID = 1 << 4,
	OE_POLICY_TAG = 1 << 5,
	OE_POLICY_GROUP = 1 << 6,
	OE_POLICY_CIDR = 1 << 7,
	OE_POLICY_FINGERPRINT = 1 << 8,
	OE_POLICY_CERT_PRINCIPAL = 1 << 9,
};

/*
 * Who asks.  Everything is borrowed; NULL is "not known", and matches no
 * principal of its kind.  Whoever fills this in vouches for it: nothing here
 * may be what the peer only says, but requested_user.
 */
struct oe_policy_subject {
	const char *requested_user;
	const struct oe_addr *source; /* where the connection comes from */
	const char *node_id, *node_name;
	const struct oe_addr *node_ip; /* of the device within its network */
	const char *network_id;
	const struct oe_strs *tags; /* of the device */
	const char *user_id, *user_email;
	const struct oe_strs *groups; /* of the user */
	const char *fingerprint;      /* "SHA256:..." of the key */
	const struct oe_strs *cert_principals;
	int64_t now_s; /* seconds since 1970 */
};

enum oe_policy_outcome {
	OE_POLICY_ACCEPT,
	OE_POLICY_REJECT,   /* a rule matched and says no */
	OE_POLICY_NO_MATCH, /* which is no as well */
};

/* Why not. */
enum oe_policy_reason {
	OE_POLICY_OK,
	OE_POLICY_NO_RULE,  /* no rule matches */
	OE_POLICY_REJECTED, /* the rule rejects */
	OE_POLICY_SILENT,   /* the rule does not accept */
	OE_POLICY_HELD,     /* hold_and_delegate: nobody here to ask */
	OE_POLICY_CLOSED,   /* outside of the hours or days */
	OE_POLICY_ROOT,     /* root, and the rule does not name it */
	OE_POLICY_NO_USER,  /* "localpart" without an address */
};

/* What was decided.  The pointers are the policy's and live as long as it. */
struct oe_policy_verdict {
	enum oe_policy_outcome outcome;
	enum oe_policy_reason reason;
	const char *rule_id; /* NULL without a match */
	size_t rule_index;   /* from 0; (size_t)-1 without a match */
	unsigned matched;    /* enum oe_policy_kind: by which principals */
	/* ACCEPT: who to be, and whether the rule names both sides of it */
	char local_user[OE_POLICY_NAME_MAX + 1];
	bool literal;
	const struct oe_policy_action *action; /* NULL without a match */
	/* patterns of variables the client may set; NULL: not said */
	const struct oe_strs *accept_env;
	/* ACCEPT: from then on it is to be decided anew; INT64_MAX: never */
	int64_t until_s;
};

/**
 * oe_policy_parse() - read and check a whole document.
 * @text: @n bytes of JSON.
 * @faults: where mistakes and warnings go; NULL: @err has the first mistake.
 * @ret: oe_policy_free() it; untouched on failure.
 * Return: 0, OE_EPROTO (not JSON), OE_EINVAL (a mistake in it; @err says the
 * first, with its place), OE_ETOOBIG.
 * Regular expressions are compiled and time zones are read from the system.
 */
int oe_policy_parse(const void *text, size_t n,
    const struct oe_policy_faults *faults, struct oe_policy **ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_policy_parse_value() - the same for a value within another document;
 * places have no line then.
 */
int oe_policy_parse_value(const struct oe_jval *v,
    const struct oe_policy_faults *faults, struct oe_policy **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_policy_free() - empties the pointer; NULL inside is fine. */
void oe_policy_free(struct oe_policy **p);

/** oe_policy_version() - "version" of the document, or 0. */
uint64_t oe_policy_version(const struct oe_policy *p);
/** oe_policy_count() - rules. */
size_t oe_policy_count(const struct oe_policy *p);

/**
 * oe_policy_decide() - the first rule that matches, and what it says.
 * A subject without requested_user matches no rule.
 */
void oe_policy_decide(const struct oe_policy *p,
    const struct oe_policy_subject *s, struct oe_policy_verdict *ret);

/** oe_policy_reason_text() - for logs and people; never NULL. */
const char *oe_policy_reason_text(enum oe_policy_reason r);
/** oe_policy_kind_text() - the field's name: "user_email". */
const char *oe_policy_kind_text(enum oe_policy_kind k);
/** oe_policy_record_text() - "off", "meta", "output", "full". */
const char *oe_policy_record_text(enum oe_policy_record r);
/** oe_policy_sftp_text() - "both", "read", "write". */
const char *oe_policy_sftp_text(enum oe_policy_sftp_mode m);

enum oe_policy_command {
	OE_POLICY_COMMAND_OK,
	OE_POLICY_COMMAND_BLOCKED,  /* blocked_commands has it */
	OE_POLICY_COMMAND_UNLISTED, /* allowed_commands does not have it */
	OE_POLICY_COMMAND_LONG,     /* longer than OE_POLICY_COMMAND_MAX */
};

/**
 * oe_policy_command() - may @command be run?  blocked_commands count first;
 * patterns are POSIX extended, searched for anywhere in the text.
 */
enum oe_policy_command
oe_policy_command(const struct oe_policy_action *a, const char *command);
/** oe_policy_command_text() - why not; never NULL. */
const char *oe_policy_command_text(enum oe_policy_command c);

/**
 * oe_policy_confines() - does the action bound commands or files in a way
 * that a shell would go around?  Then there is no shell, no terminal, and no
 * command but what allowed_commands or force_command name.
 */
bool oe_policy_confines(const struct oe_policy_action *a);

/**
 * oe_policy_roots() - the trees that files are confined to: sftp.roots,
 * allowed_paths, or what both cover.
 * @ret: items are added.
 * Return: false: none at all is left.  True with nothing added: no bounds.
 */
bool oe_policy_roots(const struct oe_policy_action *a, struct oe_strs *ret);

/**
 * oe_policy_permits() - does an item of permit_open or permit_listen cover
 * @host, a name or an address as it is written, and @port?
 * A name is not resolved: items with networks and addresses cover none.
 */
bool
oe_policy_permits(const struct oe_strs *list, const char *host, unsigned port);

/**
 * oe_policy_verdict_json() - everything that was decided, for other programs:
 * {"outcome","reason","why","rule","index","matched","local_user","message",
 * "until","permissions":{...}}; oe_jval_free() it.
 */
struct oe_jval *oe_policy_verdict_json(const struct oe_policy_verdict *v);
