/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - run a fuzz target over its seeds, as a TAP test.
 *
 * The corpus is the directory in argv[1], or corpus/NAME beside this file
 * for a program called fuzz_NAME.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

#define REPLAY_SEED_MAX (4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
replay_corpus(int argc, char **argv)
{
	const char *src = getenv("OE_SRCDIR"), *name = strrchr(argv[0], '/');

	if (argc > 1)
		return oe_mem_strdup(argv[1]);
	name = strstr(name ? name : argv[0], "fuzz_");
	return oe_mem_printf("%s/tests/fuzz/corpus/%s", src ? src : ".",
	    name ? name + strlen("fuzz_") : "unnamed");
}

static int
replay_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int
replay_one(const char *dir, const char *name, int number)
{
	char *path = oe_mem_printf("%s/%s", dir, name);
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf b;
	uint8_t *exact;
	size_t n;
	int r;

	r = oe_fd_read_file(path, REPLAY_SEED_MAX, &b, &err);
	if (r == 0) {
		/* an exact copy, so that a read past the end is seen */
		n = oe_buf_left(&b);
		exact = oe_mem_zalloc(n);
		memcpy(exact, oe_buf_head(&b), n);
		oe_buf_done(&b);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
	} else {
		printf("# %s\n", oe_err_text(&err));
	}
	printf("%sok %d - %s\n", r < 0 ? "not " : "", number, name);
	fflush(stdout);
	free(path);
	return r;
}

int
main(int argc, char **argv)
{
	char *dir = replay_corpus(argc, argv);
	struct dirent **seeds = NULL;
	int i, n, bad = 0;

	n = scandir(dir, &seeds, replay_visible, alphasort);
	if (n <= 0) {
		printf("Bail out! no seeds in %s\n", dir);
		free(seeds);
		free(dir);
		return 1;
	}
	printf("1..%d\n", n);
	for (i = 0; i < n; i++) {
		bad |= replay_one(dir, seeds[i]->d_name, i + 1) < 0;
		free(seeds[i]);
	}
	free(seeds);
	free(dir);
	return bad;
}
