/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/version.h"

#include <libcidr.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/library.h"
#include "core/net/cidr.h"
#include "core/net/http_lib.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

static const char *
version_seccomp(void)
{
	const struct scmp_version *v = seccomp_version();
	static char text[32];

	if (!v)
		return NULL;
	snprintf(text, sizeof text, "%u.%u.%u", v->major, v->minor, v->micro);
	return text;
}

static const char *
version_curl(void)
{
	struct oe_http__lib lib;

	if (oe_http__load(&lib, NULL) < 0)
		return NULL;
	return lib.version_info(CURLVERSION_NOW)->version;
}

const struct oe_library oe_net_libraries[] = {
    {"libcurl", LIBCURL_VERSION, version_curl},
    {"libcidr", CIDR_VERSION, oe_cidr_version},
    {"libseccomp",
	TEXT(SCMP_VER_MAJOR) "." TEXT(SCMP_VER_MINOR) "." TEXT(SCMP_VER_MICRO),
	version_seccomp},
    {NULL, NULL, NULL},
};
