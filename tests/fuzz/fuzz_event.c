/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is reported: one line or none, within its bound, plain ASCII. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_eventlog log = {memfd_create("log", MFD_CLOEXEC), "node"};
	char line[OE_EVENT_LINE_MAX + 2];
	struct oe_event e;
	ssize_t i, n;

	oe_event_begin(&e, &log, "session.report");
	if (oe_event_foreign(&e, "report", (const char *)data, size))
		oe_event_end(&e, &log);
	else
		oe_event_drop(&e);
	n = pread(log.fd, line, sizeof line, 0);
	assert(n >= 0 && n <= OE_EVENT_LINE_MAX);
	for (i = 0; i < n; i++)
		assert(i == n - 1 ? line[i] == '\n'
				  : line[i] >= 0x20 && line[i] <= 0x7e);
	close(log.fd);
	return 0;
}
