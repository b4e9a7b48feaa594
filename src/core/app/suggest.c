/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/app/internal.h"

/* Longer words are typed by programs; they get no suggestion. */
#define OE_SUGGEST_MAX 64

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

size_t
oe_app__near(const char *a, const char *b)
{
	/* three rows of the table of Damerau and Levenshtein */
	size_t row[3][OE_SUGGEST_MAX + 1];
	size_t *old = row[0], *prev = row[1], *now = row[2], *t;
	size_t na = strlen(a), nb = strlen(b), i, j;

	if (na > OE_SUGGEST_MAX || nb > OE_SUGGEST_MAX)
		return OE_SUGGEST_MAX;
	for (j = 0; j <= nb; j++)
		now[j] = j;
	for (i = 1; i <= na; i++) {
		t = old;
		old = prev;
		prev = now;
		now = t;
		now[0] = i;
		for (j = 1; j <= nb; j++) {
			now[j] = min3(prev[j] + 1, now[j - 1] + 1,
			    prev[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && old[j - 2] + 1 < now[j])
				now[j] = old[j - 2] + 1;
		}
	}
	return now[nb];
}

void
oe_app__guess_init(struct oe_app__guess *g, const char *wanted)
{
	g->wanted = wanted;
	g->best = NULL;
	/* a third of the word may be wrong, at least one letter */
	g->distance = strlen(wanted) / 3 + 1;
	if (strlen(wanted) < 3)
		g->distance = 2;
}

void
oe_app__guess_offer(struct oe_app__guess *g, const char *candidate)
{
	size_t d = oe_app__near(g->wanted, candidate);

	if (d < g->distance) {
		g->distance = d;
		g->best = candidate;
	}
}
