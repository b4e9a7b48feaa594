/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/hardware.h"

#include <ctype.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

#define DIGITS   32
#define FILE_MAX 256

int
oe_hardware_read(const char *text, char **ret, struct oe_err *err)
{
	char d[DIGITS + 1] = "";
	size_t n = 0;

	for (; *text && !isspace((unsigned char)*text); text++) {
		if (*text == '-')
			continue;
		if (n >= DIGITS || !isxdigit((unsigned char)*text))
			break;
		d[n++] = (char)tolower((unsigned char)*text);
	}
	if (n != DIGITS || (*text && !isspace((unsigned char)*text)) ||
	    strspn(d, "0") == DIGITS)
		return oe_err_set(err, OE_ENOENT,
		    "this machine has no id in /etc/machine-id: give "
		    "--hardware-id");
	*ret = oe_mem_printf(
	    "%.8s-%.4s-%.4s-%.4s-%.12s", d, d + 8, d + 12, d + 16, d + 20);
	return 0;
}

int
oe_hardware_id(char **ret, struct oe_err *err)
{
	static const char *const files[] = {
	    "/etc/machine-id", "/var/lib/dbus/machine-id"};
	struct oe_buf b = {0};
	size_t i;
	int r;

	for (i = 0; i < OE_ARRAY_LEN(files); i++) {
		if (oe_fd_read_file(files[i], FILE_MAX, &b, NULL) < 0)
			continue;
		r = oe_hardware_read((const char *)oe_buf_head(&b), ret, err);
		oe_buf_done(&b);
		if (r == 0)
			return 0;
	}
	return oe_hardware_read("", ret, err);
}
