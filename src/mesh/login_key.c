/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/login_key.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/account.h"
#include "core/mesh/api.h"
#include "core/ssh/userkey.h"

#define KEY_NAME "ssh_user_ed25519"

int
oe_login_key_path(char **ret, struct oe_err *err)
{
	char *folder = NULL;
	int r = oe_mesh_folder(true, &folder, err);

	if (r == 0)
		*ret = oe_mem_printf("%s/" KEY_NAME, folder);
	free(folder);
	return r;
}

static bool
is_signing_key(const char *text)
{
	uint8_t *bytes = NULL;
	size_t n = 0;
	bool ok = text && !oe_str_unbase64(text, strlen(text), &bytes, &n) &&
		  n == OE_SIGN_PUBLIC_SIZE;

	free(bytes);
	return ok;
}

int
oe_login_pin(struct oe_mesh_api *api, struct oe_mesh_account *a, bool accept,
    struct oe_err *err)
{
	const struct oe_mesh_call call = {
	    .part = OE_MESH_SSH, .path = "/keys/signing"};
	struct oe_mesh_answer ans;
	const char *key;
	int r = oe_mesh_api_call(api, &call, &ans, err);

	key = r == 0 ? oe_jval_get_text(ans.data, "key") : NULL;
	if (r == OE_ENOENT) {
		oe_mem_free(&a->signing_key);
	} else if (r == 0 && !is_signing_key(key)) {
		r = oe_err_set(
		    err, OE_EPROTO, "the control API's signing key is none");
	} else if (r == 0 && !accept && a->signing_key &&
		   !oe_str_eq(a->signing_key, key)) {
		r = oe_err_set(err, OE_EPERM,
		    "the control API signs with another key than at the last "
		    "login: if that is expected, --new-signing-key accepts "
		    "it");
	} else if (r == 0) {
		free(a->signing_key);
		a->signing_key = oe_mem_strdup(key);
	}
	oe_mesh_answer_done(&ans);
	return r;
}

/* Is @line, without comments, among the user's keys there? */
static int
is_known(
    struct oe_mesh_api *api, const char *line, bool *ret, struct oe_err *err)
{
	const struct oe_mesh_call call = {
	    .part = OE_MESH_SSH, .path = "/keys", .max = OE_MESH_LIST_MAX};
	struct oe_mesh_answer ans;
	const struct oe_jval *rows;
	size_t i, n = strlen(line);
	const char *key;
	int64_t last;
	int r = oe_mesh_api_call(api, &call, &ans, err);

	*ret = false;
	rows = r == 0 ? oe_mesh_rows(ans.data, &last) : NULL;
	for (i = 0; i < oe_jval_size(rows); i++) {
		key = oe_jval_get_text(oe_jval_at(rows, i), "key");
		if (key && !strncmp(key, line, n) && (!key[n] || key[n] == ' '))
			*ret = true;
	}
	oe_mesh_answer_done(&ans);
	return r;
}

static int
post_key(struct oe_mesh_api *api, const char *name, const char *line,
    struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();
	const struct oe_mesh_call call = {.method = "POST",
	    .part = OE_MESH_SSH,
	    .path = "/keys",
	    .body = body};
	struct oe_mesh_answer ans;
	int r;

	oe_jval_set_text(body, "name", name);
	oe_jval_set_text(body, "key", line);
	r = oe_mesh_api_call(api, &call, &ans, err);
	/* another login of this machine was faster */
	if (ans.status == 409)
		r = 0;
	oe_mesh_answer_done(&ans);
	oe_jval_free(&body);
	return r;
}

int
oe_login_register(struct oe_mesh_api *api, struct oe_err *err)
{
	char host[HOST_NAME_MAX + 1] = "", *path = NULL, *line = NULL;
	char *name;
	bool known = false;
	int r;

	if (gethostname(host, sizeof host - 1) < 0 || !*host)
		oe_str_copy(host, sizeof host, "this machine");
	name = oe_mem_printf("omniedge %s", host);
	r = oe_login_key_path(&path, err);
	if (r == 0)
		r = oe_ssh_userkey_have(path, name, &line, err);
	if (r == 0)
		r = is_known(api, line, &known, err);
	if (r == 0 && !known)
		r = post_key(api, name, line, err);
	free(line);
	free(path);
	free(name);
	return r;
}
