/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/width.h"
#include "mesh/common.h"

/* A column is at most so wide; what is longer sticks out. */
#define COLUMN_MAX 40
#define GAP        2

struct oe_table {
	const char *const *titles;
	size_t columns;
	char **cells; /* row by row */
	size_t n;
};

struct oe_table *
oe_table_new(const char *const *titles)
{
	struct oe_table *t = oe_mem_zalloc(sizeof *t);

	t->titles = titles;
	while (titles[t->columns])
		t->columns++;
	return t;
}

void
oe_table_cell(struct oe_table *t, const char *text)
{
	if ((t->n & (t->n - 1)) == 0)
		t->cells = oe_mem_realloc_array(
		    t->cells, t->n ? 2 * t->n : 1, sizeof *t->cells);
	t->cells[t->n++] = oe_mesh_shown(text && *text ? text : "-");
}

static void
put(const char *text, size_t width, bool last)
{
	size_t n = oe_width(text);

	fputs(text, stdout);
	if (last) {
		putchar('\n');
		return;
	}
	/* a cell that sticks out is still apart from the next */
	do
		putchar(' ');
	while (++n < width + GAP);
}

void
oe_table_print(struct oe_table **tp)
{
	struct oe_table *t = *tp;
	size_t *width = oe_mem_zalloc(t->columns * sizeof *width);
	size_t i, n;

	for (i = 0; i < t->columns; i++)
		width[i] = oe_width(t->titles[i]);
	for (i = 0; i < t->n; i++) {
		n = oe_width(t->cells[i]);
		if (n > width[i % t->columns] && n <= COLUMN_MAX)
			width[i % t->columns] = n;
	}
	for (i = 0; i < t->columns; i++)
		put(t->titles[i], width[i], i + 1 == t->columns);
	for (i = 0; i < t->n; i++)
		put(t->cells[i], width[i % t->columns],
		    (i + 1) % t->columns == 0);
	free(width);
	for (i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	oe_mem_free(tp);
}
