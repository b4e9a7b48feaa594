/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/app/internal.h"

/* Walks every library table of a module set, each library once. */
struct libraries {
	const struct oe_module_set *set;
	const struct oe_library *seen[64];
	size_t n;
};

static void
collect(struct libraries *l, const struct oe_library *table)
{
	size_t i;

	for (; table && table->name; table++) {
		for (i = 0; i < l->n; i++)
			if (oe_str_eq(l->seen[i]->name, table->name))
				break;
		if (i == l->n && l->n < OE_ARRAY_LEN(l->seen))
			l->seen[l->n++] = table;
	}
}

static void
libraries_of(const struct oe_module_set *set, struct libraries *ret)
{
	const struct oe_library *const *t;
	const struct oe_module *m;
	size_t i;

	memset(ret, 0, sizeof *ret);
	for (t = set->libraries; t && *t; t++)
		collect(ret, *t);
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		collect(ret, m->libraries);
}

static void
text_libraries(const struct oe_module_set *set, FILE *out)
{
	struct libraries l;
	const char *running;
	size_t i;

	libraries_of(set, &l);
	fprintf(out, "libraries:\n");
	for (i = 0; i < l.n; i++) {
		running = l.seen[i]->running ? l.seen[i]->running() : NULL;
		fprintf(out, "  %-13s compiled %s, running %s\n",
		    l.seen[i]->name, l.seen[i]->compiled,
		    running ? running : "(not installed, or does not tell)");
	}
}

static void
text_modules(const struct oe_module_set *set, FILE *out)
{
	const struct oe_module_absent *a;
	const struct oe_module *m;
	size_t i;

	fprintf(out, "modules in this build:\n");
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		fprintf(out, "  %-12s %s\n", m->name, m->summary);
	if (set->absent && set->absent->name)
		fprintf(out, "modules not in this build:\n");
	for (a = set->absent; a && a->name; a++)
		fprintf(out, "  %-12s %s (configure with %s)\n", a->name,
		    a->why, a->option);
}

static void
json_text(FILE *out, const char *key, const char *s)
{
	fprintf(out, "\"%s\":", key);
	if (!s) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		if ((unsigned char)*s < 0x20)
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

static void
json_absent(const struct oe_module_set *set, FILE *out)
{
	const struct oe_module_absent *a;

	for (a = set->absent; a && a->name; a++) {
		fputs(a == set->absent ? "{" : ",{", out);
		json_text(out, "name", a->name);
		fputc(',', out);
		json_text(out, "why", a->why);
		fputc(',', out);
		json_text(out, "option", a->option);
		fputc('}', out);
	}
}

static void
json_libraries(const struct oe_module_set *set, FILE *out)
{
	struct libraries l;
	size_t i;

	libraries_of(set, &l);
	for (i = 0; i < l.n; i++) {
		fputs(i ? ",{" : "{", out);
		json_text(out, "name", l.seen[i]->name);
		fputc(',', out);
		json_text(out, "compiled", l.seen[i]->compiled);
		fputc(',', out);
		json_text(out, "running",
		    l.seen[i]->running ? l.seen[i]->running() : NULL);
		fputc('}', out);
	}
}

static void
json_version(const struct oe_module_set *set, FILE *out)
{
	const struct oe_module *m;
	size_t i;

	fputc('{', out);
	json_text(out, "version", PACKAGE_VERSION);
	fputs(",\"modules\":[", out);
	for (i = 0; (m = oe_app__module_at(set, i)); i++) {
		fputs(i ? ",{" : "{", out);
		json_text(out, "name", m->name);
		fputc(',', out);
		json_text(out, "summary", m->summary);
		fputc('}', out);
	}
	fputs("],\"absent\":[", out);
	json_absent(set, out);
	fputs("],\"libraries\":[", out);
	json_libraries(set, out);
	fputs("],", out);
	json_text(out, "configure", set->configure_summary);
	fputs("}\n", out);
}

void
oe_app__version(
    const struct oe_module_set *set, bool verbose, bool json, FILE *out)
{
	if (json) {
		json_version(set, out);
		return;
	}
	fprintf(out, "omniedge %s\n", PACKAGE_VERSION);
	if (!verbose)
		return;
	text_modules(set, out);
	text_libraries(set, out);
	fprintf(out, "configured: %s\n", set->configure_summary);
}
