/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/version.h"

#include <libssh/libssh.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <stddef.h>

#include "core/base/library.h"
#include "core/ssh/ssh.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

static const char *
version_openssl(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const struct oe_library oe_ssh_libraries[] = {
    {"libssh",
	TEXT(LIBSSH_VERSION_MAJOR) "." TEXT(LIBSSH_VERSION_MINOR) "." TEXT(
	    LIBSSH_VERSION_MICRO),
	oe_ssh_library_version},
    {"OpenSSL", OPENSSL_VERSION_STR, version_openssl},
    {NULL, NULL, NULL},
};
