/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/tty.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "sftp/meter.h"
#include "sftp/path.h"

#define DRAW_MS 200
/* A file of so many bytes leaves a line of its own. */
#define LARGE (1024u * 1024)
/* Names and paths on the meter. */
#define LABEL_MAX 1200

struct oe_progress {
	struct oe_progress_plan plan;
	struct oe_sftp_copy *copy;     /* the engine now, or NULL */
	struct oe_copy_totals before;  /* sums of the engines before it */
	uint64_t failed;               /* names that no engine has seen */
	uint64_t files_ended, skipped; /* by the calls */
	struct oe_timer *timer;
	struct oe_meter_rate rate;
	int64_t began_ms;
	bool drawn; /* the meter stands on the terminal */
	bool told;  /* a file has left a line already */
	char *last; /* name of the file that ended last */
};

static void
sums(const struct oe_progress *p, struct oe_copy_totals *ret)
{
	struct oe_copy_totals now = {.all_found = true};

	if (p->copy)
		oe_sftp_copy_totals(p->copy, &now);
	now.files += p->before.files;
	now.files_done += p->before.files_done;
	now.files_failed += p->before.files_failed;
	now.bytes += p->before.bytes;
	now.bytes_done += p->before.bytes_done;
	now.bytes_moved += p->before.bytes_moved;
	*ret = now;
}

/* Who writes from the background would be stopped, or be in the way. */
static bool
in_foreground(void)
{
	return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static void
put(const char *text)
{
	(void)oe_fd_write_all(STDERR_FILENO, text, strlen(text));
}

/* One line over what stands there; @end: and go on to the next. */
static void
show(struct oe_progress *p, const struct oe_meter *m, bool end)
{
	char line[OE_METER_MAX], all[OE_METER_MAX + 4];
	uint32_t size[4];

	if (!p->plan.meter || !in_foreground())
		return;
	oe_tty_size(STDERR_FILENO, size);
	/* a full line makes some terminals go on to the next */
	oe_meter_format(m, size[0] > 1 ? size[0] - 1 : 1, line);
	snprintf(all, sizeof all, "\r%s%s", line, end ? "\n" : "");
	put(all);
	p->drawn = !end;
}

/* Make place for another line. */
static void
clear(struct oe_progress *p)
{
	char blank[OE_METER_COLUMNS + 1];
	uint32_t size[4];
	size_t n;

	if (!p->drawn || !in_foreground())
		return;
	oe_tty_size(STDERR_FILENO, size);
	n = size[0] > 1 ? size[0] - 1 : 1;
	if (n > OE_METER_COLUMNS)
		n = OE_METER_COLUMNS;
	memset(blank, ' ', n);
	blank[n] = 0;
	put("\r");
	put(blank);
	put("\r");
	p->drawn = false;
}

/* "12/340 files  dir/name", or the name of the one file there is. */
static void
label(const struct oe_copy_totals *t, char ret[LABEL_MAX])
{
	char name[LABEL_MAX - 100];

	oe_str_escape(t->current, strlen(t->current), name, sizeof name);
	if (t->files <= 1)
		snprintf(ret, LABEL_MAX, "%s", name);
	else
		snprintf(ret, LABEL_MAX, "%" PRIu64 "/%" PRIu64 "%s files  %s",
		    t->files_done + t->files_failed, t->files,
		    t->all_found ? "" : "+", name);
}

static void
draw(struct oe_progress *p)
{
	struct oe_meter m = {.percent = -1};
	struct oe_copy_totals t;
	char text[LABEL_MAX];
	uint64_t left;

	sums(p, &t);
	oe_meter_look(&p->rate, oe_time_mono_ms(), t.bytes_moved);
	label(&t, text);
	m.label = text;
	m.bytes = t.bytes_done;
	m.per_s = p->rate.per_s;
	m.stalled = oe_meter_stalled(&p->rate);
	left = t.bytes > t.bytes_done ? t.bytes - t.bytes_done : 0;
	/* of a tree that is still being walked nobody knows the end */
	if (t.all_found) {
		m.percent = oe_meter_percent(t.bytes_done, t.bytes);
		m.left = true;
		m.seconds =
		    m.per_s > 1 ? (int64_t)((double)left / m.per_s) : -1;
	} else {
		m.seconds = (oe_time_mono_ms() - p->began_ms) / 1000;
	}
	show(p, &m, false);
}

static void
on_timer(void *arg)
{
	struct oe_progress *p = arg;

	draw(p);
	oe_timer_set(p->timer, DRAW_MS);
}

/* The line that a file leaves behind. */
static void
leave_line(struct oe_progress *p, const struct oe_copy_item *item)
{
	char *name = oe_sftp_path_base(item->from), shown[LABEL_MAX];
	int64_t ms = item->elapsed_ms > 0 ? item->elapsed_ms : 1;
	struct oe_meter m = {.label = shown,
	    .percent = 100,
	    .bytes = item->size,
	    .per_s = (double)item->moved * 1000 / (double)ms,
	    .seconds = item->elapsed_ms / 1000};

	oe_str_escape(name, strlen(name), shown, sizeof shown);
	show(p, &m, true);
	p->told = true;
	free(name);
}

/*
 * Messages about names come escaped, and the log would do it once more; what
 * is not safe all the same goes through it.
 */
static void
say_error(struct oe_progress *p, const char *text)
{
	const char *c = text;
	char *line;

	clear(p);
	while ((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f)
		c++;
	if (*c || !oe_log_wants(OE_LOG_ERROR)) {
		oe_log_error(NULL, "%s", text);
		return;
	}
	line = oe_mem_printf("%s: %s\n", p->plan.command, text);
	put(line);
	free(line);
}

static const char *
kind_word(enum oe_copy_kind kind)
{
	switch (kind) {
	case OE_COPY_FILE:
		return "file";
	case OE_COPY_DIR:
		return "dir";
	case OE_COPY_LINK:
		return "link";
	case OE_COPY_OTHER:
		break;
	}
	return "other";
}

static void
json_item(const struct oe_copy_item *item)
{
	struct oe_json j;

	oe_json_begin(&j);
	oe_json_uint(&j, "v", 1);
	oe_json_str(&j, "type", "file");
	oe_json_str(&j, "from", item->from);
	oe_json_str(&j, "to", item->to);
	oe_json_str(&j, "kind", kind_word(item->kind));
	oe_json_uint(&j, "size", item->size);
	oe_json_uint(&j, "moved", item->moved);
	oe_json_uint(&j, "resumed", item->resumed);
	oe_json_uint(&j, "elapsed_ms",
	    item->elapsed_ms > 0 ? (uint64_t)item->elapsed_ms : 0);
	oe_json_str(&j, "sha256", item->sha256);
	oe_json_str(&j, "status",
	    item->status < 0 ? "failed"
	    : item->skipped  ? "skipped"
			     : "ok");
	if (item->status < 0)
		oe_json_str(&j, "error",
		    item->err ? oe_err_text(item->err)
			      : oe_status_text(item->status));
	oe_json_end(&j, stdout);
}

static void
json_total(const struct oe_progress *p)
{
	struct oe_copy_totals t;
	struct oe_json j;

	sums(p, &t);
	oe_json_begin(&j);
	oe_json_uint(&j, "v", 1);
	oe_json_str(&j, "type", "total");
	oe_json_uint(&j, "files", t.files);
	oe_json_uint(&j, "done", t.files_done);
	oe_json_uint(&j, "failed", oe_progress_failures(p));
	oe_json_uint(&j, "skipped", p->skipped);
	oe_json_uint(&j, "bytes", t.bytes);
	oe_json_uint(&j, "moved", t.bytes_moved);
	oe_json_uint(
	    &j, "elapsed_ms", (uint64_t)(oe_time_mono_ms() - p->began_ms));
	oe_json_end(&j, stdout);
}

static void
tell_names(struct oe_progress *p, const struct oe_copy_item *item)
{
	size_t size = 4 * (strlen(item->from) + strlen(item->to)) + 8;
	char *from, *to;

	if (p->plan.verbose && item->status == 0)
		oe_log_info(NULL, "%s -> %s%s", item->from, item->to,
		    item->skipped ? ": there already" : "");
	if (!p->plan.names || item->status < 0 || item->skipped)
		return;
	from = oe_mem_zalloc(size);
	to = oe_mem_zalloc(size);
	oe_str_escape(item->from, strlen(item->from), from, size);
	oe_str_escape(item->to, strlen(item->to), to, size);
	printf("%s -> %s\n", from, to);
	free(from);
	free(to);
}

static void
on_end(void *arg, const struct oe_copy_item *item)
{
	struct oe_progress *p = arg;

	if (item->status < 0)
		say_error(p, item->err ? oe_err_text(item->err)
				       : oe_status_text(item->status));
	if (p->plan.json)
		json_item(item);
	tell_names(p, item);
	p->skipped += item->skipped;
	if (item->kind != OE_COPY_FILE || item->status < 0)
		return;
	p->files_ended++;
	if (item->size >= LARGE && !item->skipped) {
		leave_line(p, item);
		return;
	}
	free(p->last);
	p->last = oe_sftp_path_base(item->from);
}

static void
on_warn(void *arg, const char *text)
{
	clear(arg);
	oe_log_warn(NULL, "%s", text);
}

struct oe_progress *
oe_progress_new(const struct oe_progress_plan *plan)
{
	struct oe_progress *p = oe_mem_zalloc(sizeof *p);

	p->plan = *plan;
	/* many lines on standard error would tear the meter apart */
	p->plan.meter &= !plan->verbose && isatty(STDERR_FILENO);
	p->began_ms = oe_time_mono_ms();
	oe_log_prefix(plan->command);
	return p;
}

struct oe_copy_ui
oe_progress_ui(struct oe_progress *p)
{
	return (struct oe_copy_ui){.end = on_end, .warn = on_warn, .arg = p};
}

void
oe_progress_attach(struct oe_progress *p, struct oe_sftp_copy *c)
{
	p->copy = c;
	if (p->plan.meter && !p->timer)
		p->timer = oe_loop_timer(p->plan.loop, DRAW_MS, on_timer, p);
}

void
oe_progress_detach(struct oe_progress *p)
{
	struct oe_copy_totals t;

	sums(p, &t);
	p->before = t;
	p->copy = NULL;
}

void
oe_progress_failed(
    struct oe_progress *p, const char *from, const struct oe_err *err)
{
	struct oe_copy_item item = {.from = from,
	    .to = NULL,
	    .kind = OE_COPY_OTHER,
	    .status = err->code,
	    .err = err};

	p->failed++;
	say_error(p, oe_err_text(err));
	if (p->plan.json)
		json_item(&item);
}

uint64_t
oe_progress_failures(const struct oe_progress *p)
{
	struct oe_copy_totals t;

	sums(p, &t);
	return t.files_failed + p->failed;
}

uint64_t
oe_progress_moved(const struct oe_progress *p)
{
	struct oe_copy_totals t;

	sums(p, &t);
	return t.bytes_moved;
}

static void
sum_label(uint64_t done, uint64_t all, char ret[LABEL_MAX])
{
	if (done < all)
		snprintf(ret, LABEL_MAX, "%" PRIu64 " of %" PRIu64 " files",
		    done, all);
	else
		snprintf(ret, LABEL_MAX, "%" PRIu64 " files", all);
}

/* One small file by its name; several as their sum. */
static void
last_line(struct oe_progress *p)
{
	int64_t ms = oe_time_mono_ms() - p->began_ms;
	char text[LABEL_MAX] = "";
	struct oe_meter m = {.label = text};
	struct oe_copy_totals t;

	sums(p, &t);
	if (t.files == 0 || (t.files == 1 && (p->told || !p->files_ended))) {
		clear(p);
		return;
	}
	if (t.files == 1)
		oe_str_escape(p->last, strlen(p->last), text, sizeof text);
	else
		sum_label(p->files_ended, t.files, text);
	m.percent = oe_meter_percent(t.bytes_done, t.bytes);
	m.bytes = t.bytes_done;
	m.per_s = (double)t.bytes_moved * 1000 / (double)(ms > 0 ? ms : 1);
	m.seconds = ms / 1000;
	show(p, &m, true);
}

void
oe_progress_end(struct oe_progress *p)
{
	oe_timer_free(&p->timer);
	if (p->plan.meter)
		last_line(p);
	if (p->plan.json)
		json_total(p);
	oe_progress_detach(p);
	fflush(stdout);
}

void
oe_progress_free(struct oe_progress **pp)
{
	struct oe_progress *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	oe_timer_free(&p->timer);
	free(p->last);
	free(p);
}
