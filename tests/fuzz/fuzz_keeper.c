/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A courier that says anything: messages from bytes, served by the keeper of
 * an ssh-server.  Whatever they are, versions and the mark of the spool only
 * go up, the login stays one that can be read, and belongs to the same API,
 * and what was kept is believed again.
 *
 * Input: u8 flags (1: there is a security key, 2: there is a refresh token),
 * then for each message u8 type, u8 descriptors (0x80: instead of these, a
 * KEEPER_DOCUMENT is signed as it should be: its payload is kind and etag),
 * u16 length, payload.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/mesh/signed.h"
#include "mesh/keeper_internal.h"

#define FUZZ_MESSAGES_MAX 64
#define FUZZ_SIGN         0x80
#define ORIGIN            "https://api.example.com"
#define EVENT             "\n{\"event\":\"fuzz\"}\n"

enum { FUZZ_KEY = 1, FUZZ_REFRESH = 2 };

struct fuzz {
	char folder[64];
	struct oe_keeper_plan plan;
	struct oe_sign_key key;
	struct keeper k;
	int listener, courier;
	struct oe_buf in;
	struct oe_buf parts; /* what a document's signature is over */
	unsigned sent;
	bool refused; /* the message ahead has a descriptor */
	int ahead;    /* type of the message in the queue; -1: none */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stand-in: the linker prefers it to libc's. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

/* --- the machine --- */

static struct fuzz *
fuzz(void)
{
	static struct fuzz f;

	return &f;
}

static void
remove_files(void)
{
	static const char *const names[] = {"policy", "policy.seen",
	    "directory", "directory.seen", "events", "events.sent", "account",
	    "account.lock", "key"};
	char *path;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(names); i++) {
		path = oe_keeper_path(&fuzz()->plan, names[i]);
		(void)unlink(path);
		free(path);
	}
}

static void
clean(void)
{
	remove_files();
	(void)rmdir(fuzz()->folder);
	oe_keeper_plan_done(&fuzz()->plan);
}

static void
setup(struct fuzz *f)
{
	static const uint8_t seed[32] = {1};

	if (*f->folder)
		return;
	strcpy(f->folder, "/tmp/fuzz_keeper.XXXXXX");
	if (!mkdtemp(f->folder) || atexit(clean))
		abort();
	oe_log_setup(OE_LOG_ERROR, OE_LOG_TEXT,
	    open("/dev/null", O_WRONLY | O_CLOEXEC), false);
	oe_sign_key_from_seed(seed, &f->key);
	memcpy(f->plan.signing_key, f->key.public, sizeof f->key.public);
	f->plan.folder = oe_mem_strdup(f->folder);
	f->plan.account = oe_keeper_path(&f->plan, "account");
	f->plan.network_id = oe_mem_strdup("vnw_1");
	f->plan.device_id = oe_mem_strdup("dev_1");
	f->plan.origin = oe_mem_strdup(ORIGIN);
}

static void
put_file(const char *path, const char *text)
{
	if (oe_fd_write_file(path, text, strlen(text), 0600, NULL) < 0)
		abort();
}

static void
put_files(struct fuzz *f, uint8_t flags)
{
	char *account = oe_mem_printf("{\"version\":1,\"origin\":\"" ORIGIN
				      "\",\"pin\":\"p\",\"token\":\"t\"%s}",
	    flags & FUZZ_REFRESH ? ",\"refresh_token\":\"r\"" : "");
	int fd = -1;

	remove_files();
	put_file(f->plan.account, account);
	free(account);
	oe_mem_free(&f->plan.key_file);
	if (flags & FUZZ_KEY) {
		f->plan.key_file = oe_keeper_path(&f->plan, "key");
		put_file(f->plan.key_file, "security key\n");
	}
	if (oe_spool_append(f->folder, &fd, NULL) < 0 ||
	    oe_fd_write_all(fd, EVENT EVENT, 2 * strlen(EVENT)) < 0)
		abort();
	oe_fd_close(&fd);
}

/* --- keeper and courier --- */

static void
begin(struct fuzz *f)
{
	struct oe_ipc_msg plan;
	int courier[2], listener[2];

	if (oe_ipc_pair(courier, NULL) < 0 || oe_ipc_pair(listener, NULL) < 0)
		abort();
	f->k = (struct keeper){
	    .plan = &f->plan, .fd = listener[0], .courier_fd = courier[0]};
	f->listener = listener[1];
	f->courier = courier[1];
	f->sent = 0;
	f->refused = false;
	oe_buf_init(&f->parts, OE_KEEPER_DIRECTORY_MAX);
	if (oe_mesh_account_load(f->plan.account, &f->k.account, NULL) < 0 ||
	    oe_spool_open(f->folder, &f->k.spool, NULL) < 0)
		abort();
	keeper_load_documents(&f->k);
	if (keeper_send_plan(&f->k, NULL) < 0 ||
	    oe_ipc_recv(f->courier, 0, &plan, NULL) < 0)
		abort();
	oe_ipc_msg_done(&plan);
}

static void
keeper_done(struct keeper *k)
{
	size_t i;

	oe_mesh_account_done(&k->account);
	oe_spool_close(&k->spool);
	for (i = 0; i < OE_KEEPER_KINDS; i++)
		free(k->etag[i]);
	oe_buf_done(&k->payload);
}

static void
end(struct fuzz *f)
{
	keeper_done(&f->k);
	oe_fd_close(&f->k.fd);
	oe_fd_close(&f->k.courier_fd);
	oe_fd_close(&f->listener);
	oe_fd_close(&f->courier);
	oe_buf_done(&f->parts);
}

/* --- what the courier says --- */

/* A document of what was sent in parts; @m has its kind and its etag. */
static void
sign(struct fuzz *f, struct oe_ipc_msg *m)
{
	char *payload = oe_mem_strndup(
	    (const char *)oe_buf_head(&f->parts), oe_buf_left(&f->parts));
	char *text = oe_signed_make(&f->key, payload);
	struct oe_signed_parts p = {0};
	struct oe_buf what = m->payload;
	uint8_t kind = 0;

	if (oe_signed_split(text, strlen(text), &p, NULL) < 0)
		abort();
	(void)!oe_buf_get_u8(&what, &kind);
	oe_buf_init(&m->payload, OE_IPC_PAYLOAD_MAX);
	(void)oe_buf_put_u8(&m->payload, kind);
	(void)oe_buf_put_string(&m->payload, p.signature, sizeof p.signature);
	(void)oe_buf_put_string(&m->payload, p.key, sizeof p.key);
	(void)oe_buf_put_string(
	    &m->payload, oe_buf_head(&what), oe_buf_left(&what));
	oe_signed_parts_done(&p);
	oe_buf_done(&what);
	free(payload);
	free(text);
}

/* Takes one message off the input; false: none is left. */
static bool
next(struct fuzz *f, struct oe_ipc_msg *m)
{
	uint8_t type, fds, len[2];
	size_t n;

	if (f->sent++ >= FUZZ_MESSAGES_MAX ||
	    oe_buf_get_u8(&f->in, &type) < 0 ||
	    oe_buf_get_u8(&f->in, &fds) < 0 ||
	    oe_buf_get_u8(&f->in, &len[0]) < 0 ||
	    oe_buf_get_u8(&f->in, &len[1]) < 0)
		return false;
	oe_ipc_msg_init(m, type);
	n = (size_t)len[0] << 8 | len[1];
	if (n > oe_buf_left(&f->in))
		n = oe_buf_left(&f->in);
	(void)oe_buf_put(&m->payload, oe_buf_head(&f->in), n);
	if (type == KEEPER_PART)
		(void)oe_buf_put(&f->parts, oe_buf_head(&f->in), n);
	oe_buf_skip(&f->in, n);
	if (type == KEEPER_DOCUMENT && (fds & FUZZ_SIGN))
		sign(f, m);
	else if (fds % 4u)
		m->fds[m->nfds++] = f->listener;
	if (type == KEEPER_DOCUMENT)
		oe_buf_reset(&f->parts);
	return true;
}

/*
 * One message is always in the queue behind the one that is served, or the
 * end: nobody waits.
 */
static void
send_next(struct fuzz *f)
{
	struct oe_ipc_msg m;

	f->ahead = -1;
	f->refused = false;
	if (!next(f, &m)) {
		(void)shutdown(f->courier, SHUT_WR);
		return;
	}
	if (oe_ipc_send(f->courier, &m, NULL) < 0)
		abort();
	f->ahead = m.type;
	f->refused = m.nfds > 0;
	m.nfds = 0;
	oe_ipc_msg_done(&m);
}

/* --- what no message may lead to --- */

static void
judge_notes(const struct fuzz *f)
{
	struct oe_keeper_note n;
	ssize_t r;

	while ((r = recv(f->listener, &n, sizeof n, MSG_DONTWAIT | MSG_TRUNC)) >
	       0) {
		if (r != (ssize_t)sizeof n || n.what < OE_KEEPER_NEW ||
		    n.what > OE_KEEPER_ORDER || n.kind >= OE_KEEPER_KINDS ||
		    !memchr(n.conn, 0, sizeof n.conn))
			abort();
		if (n.what != OE_KEEPER_ORDER &&
		    (!n.version || n.version != f->k.version[n.kind]))
			abort();
	}
}

/* One reply to each, and none to a part; @ret_asked: for new tokens. */
static unsigned
take_replies(struct fuzz *f, bool *ret_asked)
{
	struct oe_ipc_msg m;
	unsigned n = 0;

	*ret_asked = false;
	while (oe_ipc_recv(f->courier, 0, &m, NULL) == 0) {
		if (m.nfds || n ||
		    (m.type != KEEPER_REPLY && m.type != KEEPER_REFRESH))
			abort();
		if (m.type == KEEPER_REPLY)
			n++;
		else
			*ret_asked = true;
		oe_ipc_msg_done(&m);
	}
	return n;
}

static void
judge_state(
    const struct fuzz *f, const uint64_t was[OE_KEEPER_KINDS], uint64_t sent)
{
	struct stat st;
	size_t i;

	for (i = 0; i < OE_KEEPER_KINDS; i++)
		if (f->k.version[i] < was[i])
			abort();
	if (f->k.spool.sent < sent || fstat(f->k.spool.fd, &st) < 0 ||
	    f->k.spool.sent > (uint64_t)st.st_size)
		abort();
}

/* Another keeper, after this one. */
static void
judge_files(struct fuzz *f)
{
	struct keeper k = {.plan = &f->plan};
	size_t i;

	if (oe_mesh_account_load(f->plan.account, &k.account, NULL) < 0 ||
	    strcmp(k.account.origin, ORIGIN) || !k.account.pin ||
	    strcmp(k.account.pin, "p") || k.account.ca_file ||
	    strcmp(k.account.token, f->k.account.token))
		abort();
	oe_spool_close(&f->k.spool);
	keeper_load_documents(&k);
	for (i = 0; i < OE_KEEPER_KINDS; i++)
		if (k.version[i] != f->k.version[i])
			abort();
	if (oe_spool_open(f->folder, &k.spool, NULL) < 0 ||
	    k.spool.sent != f->k.spool.sent)
		abort();
	keeper_done(&k);
}

/* false: it is over */
static bool
serve(struct fuzz *f)
{
	uint64_t was[OE_KEEPER_KINDS], sent = f->k.spool.sent;
	bool refused = f->refused, asked;
	int type = f->ahead, r;
	unsigned replies;

	memcpy(was, f->k.version, sizeof was);
	send_next(f);
	r = keeper_serve(&f->k, NULL);
	replies = take_replies(f, &asked);
	judge_notes(f);
	judge_state(f, was, sent);
	if (type < 0 ? r != OE_ECLOSED : refused && r != OE_EPROTO)
		abort();
	if (asked && (type != KEEPER_RENEW || !replies))
		abort();
	if (replies != (r == 0 && type != KEEPER_PART))
		abort();
	/* the answer to that is gone */
	if (asked && f->ahead >= 0)
		send_next(f);
	return r == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz *f = fuzz();
	uint8_t flags;

	setup(f);
	oe_buf_view(&f->in, data, size);
	if (oe_buf_get_u8(&f->in, &flags) < 0)
		return 0;
	put_files(f, flags);
	begin(f);
	send_next(f);
	while (serve(f))
		continue;
	judge_files(f);
	end(f);
	return 0;
}
