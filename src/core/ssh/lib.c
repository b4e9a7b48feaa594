/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/internal.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

#include <string.h>

#include "core/base/err.h"
#include "core/base/log.h"

static void
lib_log(int priority, const char *function, const char *buffer, void *userdata)
{
	(void)userdata;
	/* libssh begins its text with the function's name already */
	(void)function;
	oe_log(priority <= SSH_LOG_WARN       ? OE_LOG_DEBUG
	       : priority <= SSH_LOG_PROTOCOL ? OE_LOG_DEBUG2
					      : OE_LOG_DEBUG3,
	    NULL, "libssh: %s", buffer);
}

int
oe_ssh_global_init(struct oe_err *err)
{
	if (ssh_init() != SSH_OK)
		return oe_err_set(err, OE_ELIB, "libssh cannot start");
	ssh_set_log_callback(lib_log);
	ssh_set_log_level(SSH_LOG_NONE);
	return 0;
}

void
oe_ssh_log_level(int level)
{
	ssh_set_log_level(level);
}

const char *
oe_ssh_library_version(void)
{
	return ssh_version(0);
}

static const char *
lib_ssh_running(void)
{
	return ssh_version(0);
}

static const char *
lib_crypto_running(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const struct oe_library oe_ssh_libraries[] = {
    {"libssh", SSH_STRINGIFY(LIBSSH_VERSION), lib_ssh_running},
    {"OpenSSL", OPENSSL_VERSION_STR, lib_crypto_running},
    {NULL, NULL, NULL},
};
