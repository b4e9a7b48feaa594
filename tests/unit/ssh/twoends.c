/* SPDX-License-Identifier: Apache-2.0 */
#include "twoends.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "core/ssh/hostkey.h"
#include "core/ssh/pump.h"
#include "core/ssh/serve.h"

#define ENDS_LIMIT_MS 30000

static char dir[] = "/tmp/oe-ends-XXXXXX";
static struct oe_ssh_hostkeys *keys;
static struct oe_ssh_bind *bind_;

int
ends_group_setup(void **state)
{
	struct oe_ssh_bind_params p = {.methods = OE_SSH_AUTH_NONE};
	struct oe_err err = OE_ERR_INIT;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir) || oe_ssh_global_init(&err) < 0 ||
	    oe_ssh_hostkeys_load(dir, true, &keys, &err) < 0)
		return -1;
	return oe_ssh_bind_new(keys, &p, &bind_, &err);
}

int
ends_group_teardown(void **state)
{
	char path[80];

	(void)state;
	oe_ssh_bind_free(&bind_);
	oe_ssh_hostkeys_free(&keys);
	snprintf(path, sizeof path, "%s/ssh_host_ed25519_key", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/ssh_host_rsa_key", dir);
	unlink(path);
	return rmdir(dir);
}

uint8_t
pattern(uint64_t at)
{
	/* no period near any block size */
	return (uint8_t)((at * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

void
pattern_fill(void *p, size_t n, uint64_t at)
{
	uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++)
		b[i] = pattern(at + i);
}

bool
pattern_check(const void *p, size_t n, uint64_t at)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++)
		if (b[i] != pattern(at + i))
			return false;
	return true;
}

static size_t
on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct ends *e = arg;

	if (e->pump)
		return oe_ssh_pump_data(e->pump, p, n, ext);
	return e->take ? e->take(e, p, n, ext) : 0;
}

static void
on_eof(void *arg)
{
	struct ends *e = arg;

	e->eof = true;
	if (e->pump)
		oe_ssh_pump_eof(e->pump);
}

static void
on_closed(void *arg)
{
	struct ends *e = arg;

	e->closed = true;
}

static const struct oe_ssh_chan_ops chan_ops = {
    .data = on_data,
    .eof = on_eof,
    .closed = on_closed,
};

static enum oe_ssh_answer
auth_key(
    void *arg, const char *user, const uint8_t *blob, size_t len, bool proven)
{
	(void)arg;
	(void)user;
	(void)blob;
	(void)len;
	(void)proven;
	return OE_SSH_DENY;
}

static enum oe_ssh_answer
auth_password(void *arg, const char *user, const char *password)
{
	(void)arg;
	(void)user;
	(void)password;
	return OE_SSH_DENY;
}

static enum oe_ssh_answer
auth_none(void *arg, const char *user)
{
	(void)arg;
	return strcmp(user, "tester") ? OE_SSH_DENY : OE_SSH_ALLOW;
}

static enum oe_ssh_answer
auth_kbdint(void *arg, const char *user, const char *const *answers, unsigned n,
    struct oe_ssh_prompts *ret)
{
	(void)arg;
	(void)user;
	(void)answers;
	(void)n;
	(void)ret;
	return OE_SSH_DENY;
}

static bool
may_open(void *arg)
{
	struct ends *e = arg;

	return !e->chan && !e->denied_open;
}

static void
opened(void *arg, struct oe_ssh_chan *chan)
{
	struct ends *e = arg;

	e->chan = chan;
	oe_ssh_chan_set_ops(chan, &chan_ops, e);
}

static void
refused(void *arg, const char *what)
{
	struct ends *e = arg;

	(void)what;
	e->refused++;
}

static const struct oe_ssh_serve_ops serve_ops = {
    .publickey = auth_key,
    .password = auth_password,
    .none = auth_none,
    .kbdint = auth_kbdint,
    .may_open = may_open,
    .opened = opened,
    .refused = refused,
};

static void
on_lost(void *arg)
{
	struct ends *e = arg;

	e->lost = true;
}

static int
client(int fd, int (*body)(ssh_session s, ssh_channel ch))
{
	ssh_session s = ssh_new();
	bool off = false;
	int check = 0, status;
	ssh_channel ch;

	ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &off);
	ssh_options_set(s, SSH_OPTIONS_HOST, "test");
	ssh_options_set(s, SSH_OPTIONS_USER, "tester");
	ssh_options_set(s, SSH_OPTIONS_FD, &fd);
	ssh_options_set(s, SSH_OPTIONS_STRICTHOSTKEYCHECK, &check);
	if (ssh_connect(s) != SSH_OK)
		return 101;
	if (ssh_userauth_none(s, NULL) != SSH_AUTH_SUCCESS)
		return 102;
	ch = ssh_channel_new(s);
	if (!ch || ssh_channel_open_session(ch) != SSH_OK)
		return 103;
	status = body(s, ch);
	if (status)
		fprintf(stderr, "# client: %d, libssh: %s\n", status,
		    ssh_get_error(s));
	ssh_disconnect(s);
	return status;
}

void
ends_run_until(struct ends *e, const bool *flag)
{
	int64_t until = oe_time_mono_ms() + ENDS_LIMIT_MS;

	while (!*flag) {
		assert_true(oe_time_mono_ms() < until);
		assert_int_equal(oe_loop_once(e->loop, 1000), 0);
	}
}

void
ends_run_quiet(struct ends *e, int quiet_ms)
{
	uint64_t in, out, before_in = 0, before_out = 0;
	int64_t since = oe_time_mono_ms();

	while (oe_time_mono_ms() - since < quiet_ms) {
		assert_int_equal(oe_loop_once(e->loop, quiet_ms), 0);
		oe_ssh_bytes(e->ssh, &in, &out);
		if (in != before_in || out != before_out)
			since = oe_time_mono_ms();
		before_in = in;
		before_out = out;
	}
}

void
ends_start(struct ends *e, int (*body)(ssh_session s, ssh_channel ch))
{
	int64_t until = oe_time_mono_ms() + ENDS_LIMIT_MS;
	struct oe_err err = OE_ERR_INIT;
	int sv[2];

	memset(e, 0, sizeof *e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	e->client = fork();
	assert_true(e->client >= 0);
	if (e->client == 0) {
		close(sv[0]);
		_exit(client(sv[1], body));
	}
	oe_fd_close(&sv[1]);
	e->loop = oe_loop_new();
	if (oe_ssh_accept(bind_, sv[0], &serve_ops, e, &e->ssh, &err) < 0)
		fail_msg("%s", err.msg);
	oe_ssh_attach(e->ssh, e->loop, on_lost, e);
	while (!e->chan && !e->lost) {
		assert_true(oe_time_mono_ms() < until);
		assert_int_equal(oe_loop_once(e->loop, 1000), 0);
	}
	if (!e->chan)
		fail_msg("lost: %s", oe_ssh_error(e->ssh));
}

int
ends_finish(struct ends *e)
{
	int status = -1;

	ends_run_until(e, &e->lost);
	oe_ssh_pump_free(&e->pump);
	oe_ssh_chan_free(&e->chan);
	oe_ssh_free(&e->ssh);
	oe_loop_free(&e->loop);
	while (waitpid(e->client, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
