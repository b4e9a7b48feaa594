/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile SFTP client: packets from bytes, served in a directory of its own
 * that the session cannot leave.
 *
 * Input: u8 flags (1 read-only, 2 write-only), then packets as on the wire.
 * INIT need not be there.  A handle of eight 0xff stands for the one that was
 * given last, which no input could guess.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/proto.h"
#include "sftp/server.h"

#define FUZZ_PACKETS_MAX 64
#define FUZZ_FILE_MAX    (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char fuzz_dir[64];

static void
empty(int dirfd, int depth)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int sub;

	while (d && (e = readdir(d))) {
		if (oe_str_eq(e->d_name, ".") || oe_str_eq(e->d_name, "..") ||
		    unlinkat(dirfd, e->d_name, 0) == 0)
			continue;
		(void)!fchmodat(dirfd, e->d_name, 0700, 0);
		sub = openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY);
		if (sub >= 0 && depth < 64)
			empty(sub, depth + 1);
		close(sub);
		(void)unlinkat(dirfd, e->d_name, AT_REMOVEDIR);
	}
	if (d)
		closedir(d);
}

static void
remove_dir(void)
{
	(void)rmdir(fuzz_dir);
}

static void
prepare(void)
{
	const struct rlimit files = {FUZZ_FILE_MAX, FUZZ_FILE_MAX};
	int fd;

	if (!*fuzz_dir) {
		snprintf(fuzz_dir, sizeof fuzz_dir, "/tmp/oe-fuzz-XXXXXX");
		if (!mkdtemp(fuzz_dir) || chdir(fuzz_dir) < 0)
			abort();
		signal(SIGXFSZ, SIG_IGN);
		(void)setrlimit(RLIMIT_FSIZE, &files);
		atexit(remove_dir);
	}
	fd = open("f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "content", 7) != 7)
		abort();
	close(fd);
	(void)mkdir("d", 0700);
	(void)!symlink("/etc/passwd", "out");
}

/* What was given last, from the answers. */
static void
learn(struct oe_buf *out, uint8_t handle[8])
{
	struct oe_buf packet, h;
	uint32_t id;
	uint8_t type;

	while (oe_buf_get_string(out, &packet) == 0)
		if (oe_buf_get_u8(&packet, &type) == 0 &&
		    oe_buf_get_u32(&packet, &id) == 0 &&
		    type == OE_FXP_HANDLE &&
		    oe_buf_get_string(&packet, &h) == 0 && oe_buf_left(&h) == 8)
			memcpy(handle, oe_buf_head(&h), 8);
	/* the server's answers are whole */
	if (oe_buf_left(out))
		abort();
	oe_buf_reset(out);
}

static int
one(struct oe_sftp_server *s, struct oe_buf *packet, uint8_t handle[8])
{
	static const uint8_t mark[8] = {255, 255, 255, 255, 255, 255, 255, 255};
	size_t n = oe_buf_left(packet), i;
	uint8_t *p = oe_mem_zalloc(n + 1);
	int r;

	memcpy(p, oe_buf_head(packet), n);
	for (i = 5; i + 8 <= n; i++)
		if (memcmp(p + i, mark, 8) == 0)
			memcpy(p + i, handle, 8);
	r = oe_sftp_server_handle(s, p, n, NULL);
	free(p);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t init[] = {1, 0, 0, 0, 3};
	struct oe_strs roots = {NULL, 0};
	struct oe_sftp_server_rules rules = {
	    .roots = &roots, .handles_max = 32};
	struct oe_sftp_server *s = NULL;
	struct oe_buf in, packet;
	uint8_t handle[8] = {0}, flags = 0;
	int i, r = 0;

	prepare();
	oe_buf_view(&in, data, size);
	(void)!oe_buf_get_u8(&in, &flags);
	rules.read_only = flags & 1;
	rules.write_only = flags & 2;
	oe_strs_add(&roots, fuzz_dir);
	if (oe_sftp_server_new(&rules, &s, NULL) < 0)
		abort();
	if (oe_buf_left(&in) < 5 || oe_buf_head(&in)[4] != OE_FXP_INIT)
		r = oe_sftp_server_handle(s, init, sizeof init, NULL);
	for (i = 0; i < FUZZ_PACKETS_MAX && r == 0 &&
		    oe_buf_get_string(&in, &packet) == 0;
	     i++) {
		r = one(s, &packet, handle);
		learn(oe_sftp_server_output(s), handle);
	}
	oe_sftp_server_idle(s);
	learn(oe_sftp_server_output(s), handle);
	oe_sftp_server_free(&s);
	oe_strs_done(&roots);
	empty(AT_FDCWD, 0);
	return 0;
}
