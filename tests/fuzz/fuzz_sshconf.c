/* SPDX-License-Identifier: Apache-2.0 */
/* First line: a host name; the rest: the text of ssh_config. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/sshconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
read_input(
    void *arg, const char *path, bool checked, char **ret, struct oe_err *err)
{
	(void)path;
	(void)checked;
	(void)err;
	*ret = oe_mem_strdup(arg);
	return 0;
}

static void
glob_self(void *arg, const char *pattern, struct oe_strs *ret)
{
	(void)arg;
	oe_strs_add(ret, pattern);
}

/* Is the word there at most once, in any case? */
static bool
once(const char *text, const char *word)
{
	const char *at = strcasestr(text, word);

	return !at || !strcasestr(at + 1, word);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char home[] = "/h", user[] = "u", local[] = "b.c";
	char *text = oe_mem_strndup((const char *)data, size);
	char *config = text, *host = strsep(&config, "\n");
	struct oe_sshconf_env env = {.home = home,
	    .local_user = user,
	    .local_host = local,
	    .read = read_input,
	    .arg = config};
	struct oe_sshconf *c;
	char *print;

	/* a file that includes itself twice doubles at each of 16 levels */
	if (config && once(config, "include"))
		env.glob = glob_self;
	c = oe_sshconf_new(&env);
	(void)oe_sshconf_option(c, host, NULL);
	if (config && oe_sshconf_resolve(c, host, "/c", NULL) == 0) {
		assert(oe_sshconf_str(c, OE_SSHCONF_HOSTNAME)[0] != '-');
		assert(oe_sshconf_num(c, OE_SSHCONF_PORT) > 0);
		print = oe_sshconf_print(c);
		free(print);
	}
	oe_sshconf_free(&c);
	free(text);
	return 0;
}
