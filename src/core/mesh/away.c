/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/away.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/str.h"
#include "core/base/time.h"

/* Failures that are counted: more make no difference. */
#define COUNT_MAX 16

/* Its content is how often in a row, its time when last. */
static int64_t
read_count(const char *path, int64_t *ret_ms)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[8] = "";
	struct stat st;
	int64_t n = 1;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0 || read(fd, text, sizeof text - 1) < 0)
		n = 0;
	else
		*ret_ms = (int64_t)st.st_mtime * 1000;
	text[strcspn(text, "\n")] = '\0';
	if (n)
		(void)oe_str_parse_int(text, 1, COUNT_MAX, &n);
	oe_fd_close(&fd);
	return n;
}

int64_t
oe_mesh_away_left_ms(const char *path)
{
	int64_t when = 0, n = read_count(path, &when), ago, pause;

	if (!n)
		return 0;
	pause = OE_MESH_AWAY_MS << (n - 1);
	if (pause > OE_MESH_AWAY_MAX_MS)
		pause = OE_MESH_AWAY_MAX_MS;
	/* from the future: the clock has been set */
	ago = oe_time_wall_ms() - when;
	return ago >= 0 && ago < pause ? pause - ago : 0;
}

void
oe_mesh_away_note(const char *path)
{
	int64_t when, n = read_count(path, &when) + 1;
	struct oe_err err = OE_ERR_INIT;
	char text[16];

	snprintf(text, sizeof text, "%d\n", n < COUNT_MAX ? (int)n : COUNT_MAX);
	/* without it the next one waits again, and that is all */
	(void)!oe_fd_write_file(path, text, strlen(text), 0600, &err);
}

void
oe_mesh_away_clear(const char *path)
{
	(void)unlink(path);
}
