/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/store.h"
#include "control/store_auth.h"
#include "control/store_secret.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/mem.h"

#define SECRET_SIZE 32

static int
read_secret(
    struct oe_ctl_tx *tx, const char *name, char **ret, struct oe_err *err)
{
	return oe_ctl_db_text(tx, "SELECT value FROM settings WHERE name = ?1",
	    OE_CTL_VALUES(oe_ctl_t(name)), ret, err);
}

/* Whoever is first has made it; all read the same. */
static int
make_secret(
    struct oe_ctl_tx *tx, const char *name, char **ret, struct oe_err *err)
{
	uint8_t bytes[SECRET_SIZE];
	char *text;
	int rc;

	oe_random_bytes(bytes, sizeof(bytes));
	text = oe_base64url_put(bytes, sizeof(bytes));
	rc = oe_ctl_db_exec(tx,
	    "INSERT INTO settings (name, value) VALUES (?1, ?2) "
	    "ON CONFLICT (name) DO NOTHING",
	    OE_CTL_VALUES(oe_ctl_t(name), oe_ctl_t(text)), NULL, err);
	if (rc == 0)
		rc = read_secret(tx, name, ret, err);
	oe_mem_wipe(bytes, sizeof(bytes));
	oe_mem_free_secret(&text);
	return rc;
}

static int
decode(const char *text, const char *name, uint8_t ret[SECRET_SIZE],
    struct oe_err *err)
{
	uint8_t *bytes = NULL;
	size_t n = 0;
	int rc = 0;

	if (oe_base64url_get(text, strlen(text), &bytes, &n) ||
	    n != SECRET_SIZE)
		rc = oe_err_set(
		    err, OE_ECONF, "the store's secret '%s' is broken", name);
	else
		memcpy(ret, bytes, SECRET_SIZE);
	if (bytes != NULL)
		oe_mem_wipe(bytes, n);
	free(bytes);
	return rc;
}

int
oe_ctl_secret_in(struct oe_ctl_tx *tx, const char *name,
    uint8_t ret[SECRET_SIZE], struct oe_err *err)
{
	char *text = NULL;
	int rc = read_secret(tx, name, &text, err);

	if (rc == OE_ENOENT)
		rc = make_secret(tx, name, &text, err);
	if (rc == 0)
		rc = decode(text, name, ret, err);
	oe_mem_free_secret(&text);
	return rc;
}

int
oe_ctl_store_secret(struct oe_ctl_store *s, const char *name,
    uint8_t ret[SECRET_SIZE], struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	char *text = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = read_secret(tx, name, &text, err);
	oe_ctl_rollback(&tx);
	if (rc == 0) {
		rc = decode(text, name, ret, err);
	} else if (rc == OE_ENOENT) {
		rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);
		if (rc == 0)
			rc = oe_ctl_secret_in(tx, name, ret, err);
		if (rc == 0)
			rc = oe_ctl_commit(&tx, err);
		oe_ctl_rollback(&tx);
	}
	oe_mem_free_secret(&text);
	return rc;
}
