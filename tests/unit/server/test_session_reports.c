/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subsystem's program that reports, and one that lies: what becomes of its
 * lines.  The program is a script.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/app/module.h"
#include "hostile.h"

static char log_text[1 << 20];

static void
send_start(struct hostile *h, uint32_t id)
{
	struct oe_ipc_msg m, reply;
	uint8_t answer;

	oe_ipc_msg_init(&m, OE_SRV_REQ_START);
	(void)oe_buf_put_u32(&m.payload, id);
	(void)oe_buf_put_u8(&m.payload, OE_SRV_START_SUBSYSTEM);
	(void)oe_buf_put_cstring(&m.payload, "files");
	assert_int_equal(oe_ipc_send(h->rpc, &m, NULL), 0);
	oe_ipc_msg_done(&m);
	oe_srv__serve(&h->conn);
	assert_int_equal(oe_ipc_recv(h->rpc, 0, &reply, NULL), 0);
	assert_int_equal(oe_buf_get_u8(&reply.payload, &answer), 0);
	assert_int_equal(answer, 1);
	oe_ipc_msg_done(&reply);
}

static void
send_open(struct hostile *h)
{
	struct oe_ipc_msg m, reply;

	oe_ipc_msg_init(&m, OE_SRV_REQ_OPEN);
	assert_int_equal(oe_ipc_send(h->rpc, &m, NULL), 0);
	oe_ipc_msg_done(&m);
	oe_srv__serve(&h->conn);
	assert_int_equal(oe_ipc_recv(h->rpc, 0, &reply, NULL), 0);
	oe_ipc_msg_done(&reply);
}

/*
 * Run @script as the subsystem of a connection; ends with the event log in
 * log_text.  Returns its exit status.  @turns: let the loop see its lines
 * while it runs; else they are there only when it has ended.
 */
static int
run_script(const char *script, bool reports, bool logs, bool turns)
{
	const char *const argv[] = {"/bin/sh", "-c", script, "sh", NULL};
	const struct oe_subsystem subsystems[] = {
	    {.name = "files", .argv = argv, .reports = reports}, {0}};
	const struct oe_module module = {.name = "x", .subsystems = subsystems};
	const struct oe_module *const built[] = {&module, NULL};
	struct oe_module_set set = {.built = built};
	struct hostile h;
	int fd = memfd_create("events", MFD_CLOEXEC), status = -1;
	pid_t pid = 0;
	ssize_t n;

	assert_true(hostile_init(&h, "/nonexistent"));
	hostile_log_in(&h, true);
	h.cfg.modules = &set;
	h.srv.events.fd = logs ? fd : -1;
	send_open(&h);
	send_start(&h, 1);
	while (turns && pid == 0) {
		assert_int_equal(oe_loop_once(h.conn.loop, 1), 0);
		pid = waitpid(-1, &status, WNOHANG);
	}
	if (!turns)
		pid = waitpid(-1, &status, 0);
	assert_true(oe_srv__session_reaped(&h.conn, pid, status));
	hostile_done(&h);
	n = pread(fd, log_text, sizeof log_text - 1, 0);
	assert_true(n >= 0);
	log_text[n] = 0;
	close(fd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static unsigned
count(const char *what)
{
	const char *p = log_text;
	unsigned n = 0;

	while ((p = strstr(p, what)) != NULL) {
		p += strlen(what);
		n++;
	}
	return n;
}

static void
test_reports(void **state)
{
	static const char script[] =
	    "[ \"$1 $2\" = '--audit fd:3' ] || exit 9\n"
	    "echo '{\"event\":\"sftp.upload\",\"user\":\"root\",\"bytes\":7}' "
	    ">&3\n"
	    "printf '{\"event\":\"sftp.re' >&3; sleep 0.05\n"
	    "printf 'move\"}\\n' >&3\n";
	int turns;

	(void)state;
	for (turns = 0; turns < 2; turns++) {
		assert_int_equal(run_script(script, true, true, turns), 0);
		assert_int_equal(count("\"event\":\"session.report\""), 2);
		assert_int_equal(count("\"local_user\""), 4);
		assert_int_equal(count("\"user\":\"root\",\"bytes\""), 0);
		assert_int_equal(
		    count("\"report\":{\"event\":\"sftp.upload\",\"bytes\":7}"),
		    1);
		assert_int_equal(
		    count("\"report\":{\"event\":\"sftp.remove\"}"), 1);
		assert_int_equal(count("reports_refused"), 0);
		/* before the end of its session */
		assert_true(strstr(log_text, "session.end") >
			    strstr(log_text, "sftp.remove"));
	}
}

/* Nobody reads them: there is nothing to write to, and no word of it. */
static void
test_off(void **state)
{
	static const char script[] = "[ $# = 0 ] && ! (true >&3) 2>/dev/null";

	(void)state;
	assert_int_equal(run_script(script, true, false, false), 0);
	assert_int_equal(run_script(script, false, true, false), 0);
	assert_int_equal(count("session.end"), 1);
}

static void
test_lies(void **state)
{
	static const char script[] =
	    "{ echo; echo no; echo '{\"a\":{}}'\n"
	    "echo '{\"event\":\"auth\",\"success\":true,\"conn\":\"1\"}'\n"
	    "head -c 4097 /dev/zero | tr '\\0' ' '; echo '{}'\n"
	    "head -c 70000 /dev/zero; echo; head -c 4094 /dev/zero |"
	    " tr '\\0' ' '; echo '{}'; printf '{}'; } >&3\n";
	int turns;

	(void)state;
	for (turns = 0; turns < 2; turns++) {
		assert_int_equal(run_script(script, true, true, turns), 0);
		/* empty, no, nested, two too long, one without an end */
		assert_int_equal(count("\"reports_refused\":6"), 1);
		assert_int_equal(count("\"event\":\"session.report\""), 2);
		assert_int_equal(
		    count("\"report\":{\"event\":\"auth\",\"success\":true}"),
		    1);
		assert_int_equal(count("\"report\":{}"), 1);
		assert_int_equal(count("\"conn\":\"1\""), 0);
	}
}

/* More than a pipe holds waits to be read, and arrives whole. */
static void
test_many(void **state)
{
	static const char script[] =
	    "i=0; while [ $i -lt 1500 ]; do i=$((i+1))\n"
	    "echo '{\"event\":\"x\"}                                   '\n"
	    "done >&3\n"
	    "head -c 1500000 /dev/zero >&3\n";

	(void)state;
	assert_int_equal(run_script(script, true, true, true), 0);
	assert_int_equal(count("\"event\":\"session.report\""), 1500);
	assert_int_equal(count("\"reports_refused\":1,"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reports),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_lies),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
