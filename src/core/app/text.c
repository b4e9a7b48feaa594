/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/app/internal.h"

#define OE_PAGE_WIDTH     80
#define OE_PAGE_WIDTH_MIN 40
/* Longer lines are hard to read. */
#define OE_PAGE_WIDTH_MAX 100

static size_t
page_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;
	int64_t n = OE_PAGE_WIDTH, given;

	if (columns && oe_str_parse_int(columns, 1, 10000, &given) == 0)
		n = given;
	else if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col)
		n = ws.ws_col;
	if (n < OE_PAGE_WIDTH_MIN)
		n = OE_PAGE_WIDTH_MIN;
	return (size_t)(n > OE_PAGE_WIDTH_MAX ? OE_PAGE_WIDTH_MAX : n);
}

void
oe_app__page_init(struct oe_app__page *page, FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	int fd = fileno(out); /* -1 for a stream in memory */

	page->out = out;
	page->width = page_width(fd);
	page->colour = fd >= 0 && isatty(fd) && !(no && *no) && term &&
		       !oe_str_eq(term, "dumb");
}

void
oe_app__page_heading(const struct oe_app__page *page, const char *text)
{
	fprintf(
	    page->out, page->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

static size_t
page_pad(const struct oe_app__page *page, size_t from, size_t to)
{
	for (; from < to; from++)
		fputc(' ', page->out);
	return from;
}

void
oe_app__page_item(const struct oe_app__page *page, size_t indent,
    const char *label, size_t column, const char *text)
{
	size_t at, len;
	bool first = true;

	at = page_pad(page, 0, indent);
	fputs(label, page->out);
	at += strlen(label);
	if (*text && *label && at + 2 > column) {
		fputc('\n', page->out);
		at = 0;
	}
	if (*text)
		at = page_pad(page, at, column);
	while (*(text += strspn(text, " "))) {
		len = strcspn(text, " ");
		if (!first && at + 1 + len > page->width) {
			fputc('\n', page->out);
			at = page_pad(page, 0, column);
			first = true;
		}
		at += (size_t)fprintf(
		    page->out, "%s%.*s", first ? "" : " ", (int)len, text);
		first = false;
		text += len;
	}
	fputc('\n', page->out);
}
