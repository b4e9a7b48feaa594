/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/call.h - one request and its reply, as a handler sees them.
 *
 * A handler is blocking code that runs in a worker thread:
 *
 *	static int
 *	get_device(struct oe_ctl_call *call)
 *	{
 *		const char *id = oe_ctl_param(call, "id");
 *		...
 *		return oe_ctl_data(call, object);
 *	}
 *
 * It is named in a table of routes, which also says who may call it, what body
 * it takes and whether it is written to the audit log; all of that is checked
 * before the handler runs.  The server, the metrics, the tests of the OpenAPI
 * document and the audit read the same tables (routes.h lists them).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/client.h"
#include "core/base/err.h"

struct oe_ctl_server;
struct oe_ctl_store;
struct oe_ctl_text;
struct oe_jval;

/* Ids as in the real service: "dev_" and 20 of [0-9A-Za-z], and the end. */
#define OE_CTL_ID_SIZE 32
/* "/api/v2/virtual-networks/:id/devices/:device_id" has two. */
#define OE_CTL_PARAMS_MAX 4
#define OE_CTL_QUERY_MAX  16
/* Body of a request unless its route says otherwise. */
#define OE_CTL_BODY_MAX (1 << 20)
#define OE_CTL_ETAG_MAX 80

/* Role of a user in a network, as the real service numbers them. */
enum oe_ctl_role {
	OE_CTL_ROLE_NONE = 0,
	OE_CTL_ROLE_USER = 1,
	OE_CTL_ROLE_ADMIN = 2,
};

/* Who may call. */
enum oe_ctl_need {
	OE_CTL_NEED_NOBODY, /* open; call->caller is empty */
	OE_CTL_NEED_USER,   /* a valid access token */
	OE_CTL_NEED_MEMBER, /* ... of a member of the network: else 404 */
	OE_CTL_NEED_ADMIN,  /* ... with role 2 there: else 404, 403 */
	OE_CTL_NEED_SERVER, /* ... of an administrator of the server: 403 */
};

/* Where OE_CTL_NEED_MEMBER and _ADMIN find the network. */
enum oe_ctl_network_in {
	OE_CTL_NETWORK_PATH,  /* ":id" */
	OE_CTL_NETWORK_QUERY, /* "network_id" */
	OE_CTL_NETWORK_BODY,  /* "network_id" */
};

enum oe_ctl_body {
	OE_CTL_BODY_NONE,   /* a body is read and ignored */
	OE_CTL_BODY_JSON,   /* an object; call->json is never NULL */
	OE_CTL_BODY_NDJSON, /* application/x-ndjson, in call->body */
	OE_CTL_BODY_FORM,   /* application/x-www-form-urlencoded, or JSON */
	OE_CTL_BODY_BYTES,  /* anything, in call->body */
};

enum oe_ctl_route_flag {
	/* what an administrator does: told in the event log when it worked */
	OE_CTL_AUDIT = 1 << 0,
	/* may be called before a one-time password has been changed */
	OE_CTL_EARLY = 1 << 1,
	/* its handler limits how often an address may call: 429 */
	OE_CTL_LOGIN = 1 << 2,
	/*
	 * also open to the server's administrators when the network's role
	 * is missing (OE_CTL_NEED_MEMBER, _ADMIN)
	 */
	OE_CTL_OR_SERVER = 1 << 3,
	/*
	 * not for who logged in by a security key: a key that was stolen
	 * makes no others that outlive it
	 */
	OE_CTL_NO_KEY = 1 << 4,
	/* a GET that may take long: others do not wait behind it */
	OE_CTL_LONG = 1 << 5,
};

struct oe_ctl_call;

struct oe_ctl_route {
	const char *method;  /* "GET"; HEAD comes with it.  NULL ends a table */
	const char *pattern; /* "/api/v2/devices/:id" */
	enum oe_ctl_need need;
	enum oe_ctl_network_in network;
	enum oe_ctl_body body;
	size_t max;     /* bytes of the body; 0: OE_CTL_BODY_MAX */
	unsigned flags; /* enum oe_ctl_route_flag */
	/*
	 * Return 0 with a reply made, or a negative code with call->err set:
	 * OE_ENOENT becomes 404, OE_EPERM 403, OE_EEXIST 409, OE_EINVAL 400,
	 * each with the message; OE_EAGAIN and OE_ETIMEOUT 503, all else 500,
	 * where the message goes to the log only.
	 */
	int (*fn)(struct oe_ctl_call *call);
	const char *what; /* for the log and the documents: "list devices" */
};

struct oe_ctl_caller {
	char id[OE_CTL_ID_SIZE]; /* "usr_..."; "" when nobody is logged in */
	char email[256];
	char name[256];
	bool server_admin;
	bool one_time; /* the password must be changed first */
	bool by_key;   /* logged in by a security key */
	char token_id[OE_CTL_ID_SIZE];
};

struct oe_ctl_pair {
	const char *key, *value; /* decoded; values without NUL */
};

struct oe_ctl_reply {
	int status;       /* of HTTP; 0: none made yet */
	const char *type; /* static text; "application/json" */
	char *body;       /* malloc()ed, or NULL */
	size_t len;
	struct oe_ctl_text *shared; /* the body in place of it, or NULL */
	char etag[OE_CTL_ETAG_MAX]; /* with its quotes, or "" */
	int retry_after_s;          /* header Retry-After; 0: none */
	const char *allow;          /* header Allow of 405, or NULL */
};

/* All but reply and err is read-only for a handler. */
struct oe_ctl_call {
	struct oe_ctl_server *server;
	struct oe_ctl_store *store;                   /* of all workers */
	const struct oe_ctl_route *route;             /* NULL: no such path */
	const char *method;                           /* "GET" also for HEAD */
	const char *path;                             /* decoded */
	struct oe_ctl_pair params[OE_CTL_PARAMS_MAX]; /* of the path */
	size_t n_params;
	struct oe_ctl_pair query[OE_CTL_QUERY_MAX];
	size_t n_query;
	const struct oe_jval *json; /* object, see enum oe_ctl_body */
	const char *body;           /* raw, ended by NUL; never NULL */
	size_t body_len;
	struct oe_ctl_caller caller;
	enum oe_ctl_role role; /* in the network, when the route needs one */
	struct oe_ctl_client client; /* where it comes from */
	char request_id[24];         /* in the log and in header X-Request-Id */
	const char *token;           /* bearer token, or NULL */
	const char *if_none_match;   /* header, or NULL */
	const char *if_match;        /* header, or NULL */
	int64_t now_ms;              /* Unix time when the request came */
	struct oe_jval *errors;      /* oe_ctl_invalid() */
	struct oe_ctl_reply reply;
	struct oe_err err;
};

/* Reading. */

/** oe_ctl_param() - piece of the path that the pattern names; never NULL. */
const char *oe_ctl_param(const struct oe_ctl_call *call, const char *name);
/** oe_ctl_query() - of the query, or NULL. */
const char *oe_ctl_query(const struct oe_ctl_call *call, const char *name);
/** oe_ctl_query_int() - @otherwise when missing, no number or outside. */
int64_t oe_ctl_query_int(const struct oe_ctl_call *call, const char *name,
    int64_t min, int64_t max, int64_t otherwise);
/**
 * oe_ctl_page() - page and rows a page that the caller wants, as the real
 * service reads them: page from 1, per_page from 10; at most 1000.
 */
void oe_ctl_page(
    const struct oe_ctl_call *call, int64_t *ret_page, int64_t *ret_per_page);
/**
 * oe_ctl_text() - a text of the JSON body, trimmed.
 * What is missing, empty, too long or not plain (oe_ctl_name_is_plain()) is
 * noted by oe_ctl_invalid().
 * @max: bytes.
 * @ret: room for @max + 1; "" on failure.
 */
bool
oe_ctl_text(struct oe_ctl_call *call, const char *key, size_t max, char *ret);
/**
 * oe_ctl_invalid() - note a fault of a field: {field: {rule: text}}; then
 * return oe_ctl_refuse_invalid().
 */
void oe_ctl_invalid(struct oe_ctl_call *call, const char *field,
    const char *rule, const char *text);
/** oe_ctl_is_invalid() - has a fault been noted? */
bool oe_ctl_is_invalid(const struct oe_ctl_call *call);

/* Replies; all return 0.  Values are taken over. */

/** oe_ctl_data() - 200 {"code":200,"data":...}. */
int oe_ctl_data(struct oe_ctl_call *call, struct oe_jval *data);
/** oe_ctl_data_status() - the same with another status of success. */
int
oe_ctl_data_status(struct oe_ctl_call *call, int status, struct oe_jval *data);
/**
 * oe_ctl_data_page() - a page of a list: {"code":200,"data":{"meta":{...},
 * "data":rows}}.
 * @rows: array, those of the page that oe_ctl_page() tells.
 * @total: rows of all pages.
 */
int
oe_ctl_data_page(struct oe_ctl_call *call, struct oe_jval *rows, int64_t total);
/**
 * oe_ctl_message() - {"code":status,"message":text}: deletions and updates,
 * and errors of the first form (4xx, code a number).
 */
int oe_ctl_message(struct oe_ctl_call *call, int status, const char *text);
/**
 * oe_ctl_fail() - errors of the second form: {"code":"E_X","message":text,
 * "errors":{}}.
 * @errors: object or NULL.
 */
int oe_ctl_fail(struct oe_ctl_call *call, int status, const char *code,
    const char *text, struct oe_jval *errors);
/**
 * oe_ctl_throw() - errors of the third form: {"code":"E_X","message":"E_X:
 * text"}, errors as above but left out when NULL.
 */
int oe_ctl_throw(struct oe_ctl_call *call, int status, const char *code,
    const char *text, struct oe_jval *errors);
/** oe_ctl_oauth() - of the fourth: {"error":...,"error_description":...}. */
int oe_ctl_oauth(struct oe_ctl_call *call, int status, const char *error,
    const char *description);
/** oe_ctl_refuse_invalid() - 422 E_VALIDATION_FAILED with what was noted. */
int oe_ctl_refuse_invalid(struct oe_ctl_call *call);
/** oe_ctl_unauthorized() - 401 E_UNAUTHORIZED_ACCESS, the third form. */
int oe_ctl_unauthorized(struct oe_ctl_call *call);
/** oe_ctl_bare() - a JSON value without envelope. */
int oe_ctl_bare(struct oe_ctl_call *call, int status, struct oe_jval *value);
/**
 * oe_ctl_raw() - bytes as they are.
 * @type: static text.
 * @body: malloc()ed.
 */
int oe_ctl_raw(struct oe_ctl_call *call, int status, const char *type,
    char *body, size_t len);
/** oe_ctl_share() - 200 with a text that others send, too; taken over. */
int oe_ctl_share(
    struct oe_ctl_call *call, const char *type, struct oe_ctl_text *text);
/**
 * oe_ctl_etag() - give the reply an ETag of @tag (printable, without quotes).
 * Return: true when the caller has it already; the reply is then 304.
 */
bool oe_ctl_etag(struct oe_ctl_call *call, const char *tag);
