/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/login_password.h"

#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/api.h"
#include "core/mesh/login.h"
#include "core/mesh/resolve.h"
#include "mesh/common.h"

/* An empty answer is the user's way of saying no. */
static int
ask(const char *prompt, char **ret, struct oe_err *err)
{
	int r = oe_meshcmd_ask(prompt, ret, err);

	if (r == 0 && !**ret) {
		oe_mem_free_secret(ret);
		r = oe_err_set(err, OE_ECANCEL, "no password was given");
	}
	return r;
}

/* Nobody types a password to learn that the API is not there, or another's. */
static int
knock(struct oe_mesh_api *api, struct oe_err *err)
{
	const struct oe_mesh_call call = {
	    .part = OE_MESH_V2, .path = "/profile", .anonymous = true};
	struct oe_mesh_answer ans;
	int r = oe_mesh_api_call(api, &call, &ans, err);

	/* whatever it says without a token is an answer */
	if (ans.status)
		r = 0;
	oe_mesh_answer_done(&ans);
	return r;
}

static int
enter(const char *email, struct oe_mesh_api *api, struct oe_mesh_tokens *ret,
    char **ret_password, struct oe_err *err)
{
	char *shown = oe_mesh_shown(email), *password = NULL;
	char *prompt = oe_mem_printf("Password of %s: ", shown);
	int i, r = knock(api, err);

	if (r == 0)
		r = OE_EAUTH;
	for (i = 1; r == OE_EAUTH && i <= OE_LOGIN_TRIES; i++) {
		r = ask(prompt, &password, err);
		if (r == 0)
			r = oe_mesh_login_password(
			    api, email, password, ret, err);
		if (r == 0)
			break;
		oe_mem_free_secret(&password);
		if (r == OE_EAUTH && i < OE_LOGIN_TRIES)
			oe_log_warn(NULL, "%s; once more:", oe_err_text(err));
	}
	*ret_password = password;
	free(prompt);
	free(shown);
	return r;
}

int
oe_login_password(const struct oe_values *v, struct oe_mesh_api *api,
    struct oe_mesh_tokens *ret, char **ret_password, struct oe_err *err)
{
	const char *file = oe_values_str(v, "password-file");
	const char *email = oe_values_str(v, "email");
	char *password = NULL;
	int r;

	if (!file)
		return enter(email, api, ret, ret_password, err);
	r = oe_meshcmd_secret(file, &password, err);
	if (r == 0)
		r = oe_mesh_login_password(api, email, password, ret, err);
	if (r < 0)
		oe_mem_free_secret(&password);
	else
		*ret_password = password;
	return r;
}

/* OE_EAGAIN: the two are not the same. */
static int
ask_twice(char **ret, struct oe_err *err)
{
	char *one = NULL, *two = NULL;
	int r = ask("New password: ", &one, err);

	if (r == 0)
		r = ask("New password, again: ", &two, err);
	if (r == 0 && !oe_str_eq(one, two))
		r = oe_err_set(err, OE_EAGAIN, "these two are not the same");
	oe_mem_free_secret(&two);
	if (r < 0)
		oe_mem_free_secret(&one);
	else
		*ret = one;
	return r;
}

static int
renew_asked(struct oe_mesh_api *api, const char *old, struct oe_err *err)
{
	char *password = NULL;
	bool again = true;
	int i, r = 0;

	for (i = 1; again && i <= OE_LOGIN_TRIES; i++) {
		r = ask_twice(&password, err);
		again = r == OE_EAGAIN;
		if (r == 0) {
			r = oe_mesh_password_change(api, old, password, err);
			again = r == OE_EINVAL; /* too short, for one */
		}
		oe_mem_free_secret(&password);
		if (again && i < OE_LOGIN_TRIES)
			oe_log_warn(NULL, "%s; once more:", oe_err_text(err));
	}
	/* two entries that differ are no reason to try the API later */
	return r == OE_EAGAIN && again ? OE_ECANCEL : r;
}

int
oe_login_renew(const struct oe_values *v, struct oe_mesh_api *api,
    const char *password, bool must, struct oe_err *err)
{
	const char *file = oe_values_str(v, "new-password-file");
	char *fresh = NULL;
	int r;

	if (!must && !file && !oe_values_flag(v, "new-password"))
		return 0;
	if (!password)
		return oe_err_set(err, OE_EUSAGE,
		    "the password of this account is good once: log in with "
		    "it (--email) and set another");
	if (must && !file)
		oe_log_info(
		    NULL, "this password is good once: choose another one");
	if (file) {
		r = oe_meshcmd_secret(file, &fresh, err);
		if (r == 0)
			r = oe_mesh_password_change(api, password, fresh, err);
	} else {
		r = renew_asked(api, password, err);
	}
	oe_mem_free_secret(&fresh);
	if (r == OE_ECANCEL)
		oe_err_wrap(err, r,
		    "the password is as it was (--new-password-file gives "
		    "one without a terminal)");
	else if (r < 0)
		oe_err_wrap(err, r, "the password is as it was");
	else
		oe_log_info(NULL, "the new password is in force");
	return r;
}
