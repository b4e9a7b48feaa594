/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../event_reference.h"
#include "core/base/event_batch.h"
#include "core/base/event_internal.h"
#include "core/base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The log is one line within its bound, plain ASCII, as it should be. */
static void
check_log(struct oe_eventlog *log, const char *want, size_t want_n)
{
	char line[OE_EVENT_LINE_MAX + 2];
	ssize_t i, n = pread(log->fd, line, sizeof line, 0);

	assert(n >= 0 && n <= OE_EVENT_LINE_MAX);
	for (i = 0; i < n; i++)
		assert(i == n - 1 ? line[i] == '\n'
				  : line[i] >= 0x20 && line[i] <= 0x7e);
	assert((size_t)n == want_n && memcmp(line, want, want_n) == 0);
	assert(ftruncate(log->fd, 0) == 0);
	lseek(log->fd, 0, SEEK_SET);
}

/* The copy needs no more than it was promised, which a sanitizer sees. */
static void
copy(const char *text, size_t n)
{
	char *to = malloc(n ? n : 1);

	assert(to && oe_event__foreign(text, n, to) <= n);
	free(to);
}

/* As what somebody reports. */
static void
report(struct oe_eventlog *log, const char *text, size_t n)
{
	char want[OE_EVENT_LINE_MAX];
	json_t *o = reference_begin("session.report", "node");
	json_t *in = reference_foreign(text, n);
	struct oe_event e;
	size_t want_n;

	json_object_set_new(o, "report", in);
	want_n = reference_line(o, want);
	oe_event_begin(&e, log, "session.report");
	if (oe_event_foreign(&e, "report", text, n)) {
		assert(in);
		oe_event_end(&e, log);
		check_log(log, want, want_n);
	} else {
		assert(!in);
		oe_event_drop(&e);
	}
}

/* As two texts of the peer, of which the first goes through a batch. */
static void
texts(struct oe_eventlog *log, const char *text, const char *more)
{
	char want[OE_EVENT_LINE_MAX];
	json_t *o = reference_begin("x", "node");
	struct oe_event_batch b;
	struct oe_event e;
	size_t want_n;

	json_object_set_new(o, "a", reference_text(text));
	json_object_set_new(o, "b", reference_text(more));
	want_n = reference_line(o, want);
	oe_event_begin(&e, log, "");
	oe_event_str(&e, "a", text);
	oe_event_batch_init(&b, log, &e);
	oe_event_str(oe_event_batch_begin(&b, "x"), "b", more);
	oe_event_batch_end(&b);
	oe_event_batch_done(&b);
	check_log(log, want, want_n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_eventlog log = {
	    .fd = memfd_create("log", MFD_CLOEXEC), .node = "node"};
	char *text = malloc(size + 1);

	assert(text);
	memcpy(text, data, size);
	text[size] = 0;
	oe_time_fake(0);
	copy((const char *)data, size);
	report(&log, (const char *)data, size);
	texts(&log, text, text + strlen(text) / 2);
	free(text);
	close(log.fd);
	return 0;
}
