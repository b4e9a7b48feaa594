/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pamconf.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#define BLANK " \t\r"

struct walk {
	const char *dir, *type;
	struct oe_strs *ret;
	unsigned depth;
	/* files can include each other many times over */
	unsigned files;
};

static void service_walk(struct walk *w, const char *service);

/*
 * Next word of *@s, ended in place; "[...]" is one word, as libpam reads it.
 * Return: "" at the end.
 */
static char *
word_next(char **s)
{
	char *w = *s + strspn(*s, BLANK), *end;

	if (*w == '[') {
		end = strchr(w, ']');
		end = end != NULL ? end + 1 : w + strlen(w);
	} else {
		end = w + strcspn(w, BLANK);
	}
	*s = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return w;
}

static void
include(struct walk *w, const char *service)
{
	if (service[0] == '\0' || strchr(service, '/') != NULL ||
	    w->depth >= OE_SRV_PAMCONF_DEPTH_MAX)
		return;
	w->depth++;
	service_walk(w, service);
	w->depth--;
}

static void
line_walk(struct walk *w, char *line)
{
	char *type, *control, *module;

	line[strcspn(line, "#")] = '\0';
	type = word_next(&line);
	control = word_next(&line);
	if (oe_str_eq_nocase(type, "@include")) {
		include(w, control);
		return;
	}
	module = word_next(&line);
	/* "-session": no complaint when the module is absent */
	if (type[0] == '-')
		type++;
	if (module[0] == '\0' ||
	    (w->type != NULL && !oe_str_eq_nocase(type, w->type)))
		return;
	if (oe_str_eq_nocase(control, "include") ||
	    oe_str_eq_nocase(control, "substack"))
		include(w, module);
	else if (w->ret->n < OE_SRV_PAMCONF_MODULES_MAX &&
		 !oe_strs_has(w->ret, module))
		oe_strs_add(w->ret, module);
}

/* A backslash at the end of a line joins it with the next. */
static void
lines_join(char *text)
{
	char *p;

	while ((p = strstr(text, "\\\n")) != NULL) {
		p[0] = p[1] = ' ';
		text = p;
	}
}

static void
service_walk(struct walk *w, const char *service)
{
	struct oe_strs lines = {NULL, 0};
	char *path, *text;
	struct oe_buf b;
	size_t i;
	int rc;

	if (w->files++ >= OE_SRV_PAMCONF_MODULES_MAX)
		return;
	path = oe_mem_printf("%s/%s", w->dir, service);
	rc = oe_fd_read_file(path, OE_SRV_PAMCONF_FILE_MAX, &b, NULL);
	oe_mem_free(&path);
	if (rc != 0)
		return;
	text = oe_mem_strndup((const char *)oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	lines_join(text);
	oe_strs_split(&lines, text, '\n');
	oe_mem_free(&text);
	for (i = 0; i < lines.n; i++)
		line_walk(w, lines.v[i]);
	oe_strs_done(&lines);
}

void
oe_srv_pamconf_modules(
    const char *dir, const char *service, const char *type, struct oe_strs *ret)
{
	struct walk w = {dir ? dir : "/etc/pam.d", type, ret, 0, 0};

	include(&w, service);
}

bool
oe_srv_pamconf_prints_motd(const char *dir, const char *service)
{
	struct oe_strs modules = {NULL, 0};
	bool yes = false;
	size_t i;

	oe_srv_pamconf_modules(dir, service, "session", &modules);
	for (i = 0; i < modules.n; i++) {
		const char *slash = strrchr(modules.v[i], '/');

		if (oe_str_eq(slash ? slash + 1 : modules.v[i], "pam_motd.so"))
			yes = true;
	}
	oe_strs_done(&modules);
	return yes;
}

static bool
root_owned(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The folder that libpam takes its modules from; free() it; NULL: unknown. */
static char *
modules_folder(void)
{
	void *start = dlsym(RTLD_DEFAULT, "pam_start");
	const char *slash;
	Dl_info info;
	char *dir;

	if (start == NULL || dladdr(start, &info) == 0)
		return NULL;
	slash = strrchr(info.dli_fname, '/');
	if (slash == NULL)
		return NULL;
	dir = oe_mem_printf(
	    "%.*s/security", (int)(slash - info.dli_fname), info.dli_fname);
	if (!root_owned(dir))
		oe_mem_free(&dir);
	return dir;
}

size_t
oe_srv_pamconf_warm(const char *service)
{
	struct oe_strs modules = {NULL, 0};
	char *dir = modules_folder(), *path;
	size_t i, n = 0;

	if (dir == NULL)
		return 0;
	oe_srv_pamconf_modules(NULL, service, NULL, &modules);
	/* libpam reads it with every service */
	oe_srv_pamconf_modules(NULL, "other", NULL, &modules);
	for (i = 0; i < modules.n; i++) {
		if (strchr(modules.v[i], '/') != NULL)
			continue;
		path = oe_mem_printf("%s/%s", dir, modules.v[i]);
		if (root_owned(path) &&
		    dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE))
			n++;
		else
			oe_log_debug(NULL, "PAM module %s not loaded ahead",
			    modules.v[i]);
		oe_mem_free(&path);
	}
	oe_strs_done(&modules);
	oe_mem_free(&dir);
	return n;
}
