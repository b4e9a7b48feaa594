/* SPDX-License-Identifier: Apache-2.0 */
#include "server/session_env.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "server/user.h"

#define FILE_MAX  (64 * 1024)
#define PATH_USER "/usr/local/bin:/usr/bin:/bin"
#define PATH_ROOT                                                              \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"                   \
	"/sbin:/bin"
#define MAIL_DIR "/var/mail"

/* Never, whoever asks: they run code before the user's program does. */
static const char *const never[] = {"LD_*", "DYLD_*", "GLIBC_TUNABLES",
    "GCONV_PATH", "LOCPATH", "NLSPATH", "MALLOC_*", "RES_OPTIONS",
    "HOSTALIASES", "LOCALDOMAIN", "GETCONF_DIR", "BASH_ENV", "BASH_FUNC_*",
    "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "_RLD*",
    "LIBPATH", "SHLIB_PATH", NULL};

/* Only the server's own words. */
static const char *const own[] = {"HOME", "USER", "LOGNAME", "SHELL",
    "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "SSH_ORIGINAL_COMMAND", NULL};

/* Not from the client or a key. */
static const char *const system_only[] = {"SSH_*", "PATH", "MAIL", "CDPATH",
    "TZDIR", "TMPDIR", "TERMINFO*", "TERMCAP", "PYTHON*", "PERL*", "RUBY*",
    "NODE_*", "JAVA_*", "_JAVA_*", "XDG_RUNTIME_DIR", "KRB5*", "DBUS_*", NULL};

static bool
listed(const char *const *patterns, const char *name)
{
	for (; *patterns != NULL; patterns++)
		if (oe_str_match(*patterns, name))
			return true;
	return false;
}

static bool
name_shape_ok(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"abcdefghijklmnopqrstuvwxyz_0123456789");

	return n > 0 && n <= OE_SRV_ENV_NAME_MAX && name[n] == '\0' &&
	       (name[0] < '0' || name[0] > '9');
}

bool
oe_srv_env_name_ok(const char *name, enum oe_srv_env_trust trust)
{
	if (!name_shape_ok(name) || listed(never, name))
		return false;
	switch (trust) {
	case OE_SRV_ENV_SERVER:
		return true;
	case OE_SRV_ENV_SYSTEM:
		return !listed(own, name);
	case OE_SRV_ENV_KEY:
	case OE_SRV_ENV_CLIENT:
		break;
	}
	return !listed(own, name) && !listed(system_only, name);
}

bool
oe_srv_env_accepts(const char *patterns, const char *name)
{
	if (patterns == NULL || patterns[0] == '\0')
		return false;
	return oe_srv_env_name_ok(name, OE_SRV_ENV_CLIENT) &&
	       oe_str_match_list(patterns, name) == 1;
}

void
oe_srv_env_init(struct oe_srv_env *e)
{
	memset(e, 0, sizeof(*e));
}

void
oe_srv_env_done(struct oe_srv_env *e)
{
	oe_strs_done(&e->v);
	e->bytes = 0;
}

static size_t
env_find(const struct oe_srv_env *e, const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < e->v.n; i++)
		if (strncmp(e->v.v[i], name, len) == 0 && e->v.v[i][len] == '=')
			break;
	return i;
}

const char *
oe_srv_env_get(const struct oe_srv_env *e, const char *name)
{
	size_t i = env_find(e, name);

	return i < e->v.n ? e->v.v[i] + strlen(name) + 1 : NULL;
}

int
oe_srv_env_set(struct oe_srv_env *e, enum oe_srv_env_trust trust,
    const char *name, const char *value)
{
	size_t i, len, old;

	if (value == NULL)
		return OE_EINVAL;
	if (!oe_srv_env_name_ok(name, trust))
		return OE_EPERM;
	if (strlen(value) > OE_SRV_ENV_VALUE_MAX)
		return OE_ETOOBIG;
	len = strlen(name) + strlen(value) + 2;
	i = env_find(e, name);
	old = i < e->v.n ? strlen(e->v.v[i]) + 1 : 0;
	if (e->bytes - old + len > OE_SRV_ENV_TOTAL_MAX ||
	    (old == 0 && e->v.n >= OE_SRV_ENV_COUNT_MAX))
		return OE_ETOOBIG;
	e->bytes = e->bytes - old + len;
	if (old == 0) {
		oe_strs_add_take(&e->v, oe_mem_printf("%s=%s", name, value));
		return 0;
	}
	free(e->v.v[i]);
	e->v.v[i] = oe_mem_printf("%s=%s", name, value);
	return 0;
}

int
oe_srv_env_put(
    struct oe_srv_env *e, enum oe_srv_env_trust trust, const char *assignment)
{
	const char *eq = strchr(assignment, '=');
	char *name;
	int rc;

	if (eq == NULL || eq == assignment)
		return OE_EINVAL;
	if (eq - assignment > OE_SRV_ENV_NAME_MAX)
		return OE_ETOOBIG;
	name = oe_mem_strndup(assignment, (size_t)(eq - assignment));
	rc = oe_srv_env_set(e, trust, name, eq + 1);
	oe_mem_free(&name);
	return rc;
}

int
oe_srv_env_client(struct oe_srv_env *client, const char *patterns,
    const char *name, const char *value)
{
	if (!oe_srv_env_accepts(patterns, name))
		return OE_EPERM;
	if (client->v.n >= OE_SRV_ENV_CLIENT_COUNT_MAX ||
	    client->bytes + strlen(name) + strlen(value) + 2 >
		OE_SRV_ENV_CLIENT_TOTAL_MAX)
		return OE_ETOOBIG;
	return oe_srv_env_set(client, OE_SRV_ENV_CLIENT, name, value);
}

static void
put_all(struct oe_srv_env *e, enum oe_srv_env_trust trust,
    const struct oe_strs *from)
{
	size_t i;
	int rc;

	for (i = 0; from != NULL && i < from->n; i++) {
		rc = oe_srv_env_put(e, trust, from->v[i]);
		if (rc != 0)
			oe_log_debug(NULL,
			    "session variable %.64s left out: %s", from->v[i],
			    oe_status_text(rc));
	}
}

/* The lines of a small system file; none when it is not there. */
static void
file_lines(const char *path, struct oe_strs *ret)
{
	struct oe_buf b;

	if (oe_fd_read_file(path, FILE_MAX, &b, NULL) != 0)
		return;
	oe_strs_split(ret, (const char *)oe_buf_head(&b), '\n');
	oe_buf_done(&b);
}

/* /etc/environment: NAME=value, "export" before and quotes around allowed. */
static void
environment_file(struct oe_srv_env *e, const char *path)
{
	struct oe_strs lines = {NULL, 0};
	size_t i, len;
	char *s, *v;

	file_lines(path, &lines);
	for (i = 0; i < lines.n; i++) {
		s = lines.v[i];
		if (oe_str_starts(s, "export "))
			s += strspn(s + 6, " \t") + 6;
		v = strchr(s, '=');
		if (s[0] == '#' || v == NULL)
			continue;
		*v++ = '\0';
		len = strlen(v);
		if (len >= 2 && (*v == '"' || *v == '\'') && v[len - 1] == *v) {
			v[len - 1] = '\0';
			v++;
		}
		(void)oe_srv_env_set(e, OE_SRV_ENV_SYSTEM, s, v);
	}
	oe_strs_done(&lines);
}

/* Value of @key in login.defs' lines, or NULL. */
static const char *
defs_get(const struct oe_strs *lines, const char *key)
{
	size_t i, len = strlen(key);

	for (i = 0; i < lines->n; i++) {
		const char *s = lines->v[i];

		if (strncmp(s, key, len) != 0 || strspn(s + len, " \t") == 0)
			continue;
		s += len;
		s += strspn(s, " \t");
		return s;
	}
	return NULL;
}

/* PATH and MAIL, as weak as can be. */
static void
put_defaults(struct oe_srv_env *e, const struct oe_srv_env_params *p)
{
	const char *path, *dir = p->mail_dir;
	struct oe_strs defs = {NULL, 0};
	bool root = p->user->uid == 0;
	char *mail;

	file_lines(p->login_defs ? p->login_defs : "/etc/login.defs", &defs);
	path = defs_get(&defs, root ? "ENV_SUPATH" : "ENV_PATH");
	if (path != NULL && oe_str_starts(path, "PATH="))
		path += strlen("PATH=");
	if (path == NULL || path[0] == '\0')
		path = root ? PATH_ROOT : PATH_USER;
	(void)oe_srv_env_set(e, OE_SRV_ENV_SYSTEM, "PATH", path);
	if (dir == NULL)
		dir = defs_get(&defs, "MAIL_DIR");
	mail = oe_mem_printf("%s/%s", dir ? dir : MAIL_DIR, p->user->name);
	(void)oe_srv_env_set(e, OE_SRV_ENV_SYSTEM, "MAIL", mail);
	oe_mem_free(&mail);
	oe_strs_done(&defs);
}

static int
put_own(struct oe_srv_env *e, const struct oe_srv_env_params *p)
{
	const char *peer = p->peer_ip ? p->peer_ip : "UNKNOWN";
	char *client, *connection;
	int rc = 0;
	size_t i;

	client = oe_mem_printf("%s %u %u", peer, p->peer_port, p->local_port);
	connection = oe_mem_printf("%s %u %s %u", peer, p->peer_port,
	    p->local_ip ? p->local_ip : "UNKNOWN", p->local_port);
	const char *const pairs[][2] = {
	    {"USER", p->user->name},
	    {"LOGNAME", p->user->name},
	    {"HOME", p->user->home},
	    {"SHELL", p->user->shell},
	    {"TZ", p->tz},
	    {"TERM", p->tty != NULL ? p->term : NULL},
	    {"SSH_CLIENT", client},
	    {"SSH_CONNECTION", connection},
	    {"SSH_TTY", p->tty},
	    {"SSH_ORIGINAL_COMMAND", p->command},
	    {"SSH_AUTH_SOCK", p->agent_socket},
	    {"SSH_CLIENT_VERSION", p->client_version},
	};

	for (i = 0; i < OE_ARRAY_LEN(pairs) && rc == 0; i++)
		if (pairs[i][1] != NULL)
			rc = oe_srv_env_set(
			    e, OE_SRV_ENV_SERVER, pairs[i][0], pairs[i][1]);
	oe_mem_free(&client);
	oe_mem_free(&connection);
	return rc;
}

int
oe_srv_env_build(
    struct oe_srv_env *e, const struct oe_srv_env_params *p, struct oe_err *err)
{
	int rc;

	/* first, so that no other variable can take their room */
	rc = put_own(e, p);
	if (rc != 0)
		return oe_err_wrap(err, rc, "environment of the session");
	put_defaults(e, p);
	if (p->client != NULL)
		put_all(e, OE_SRV_ENV_CLIENT, &p->client->v);
	if (p->pam != NULL)
		put_all(e, OE_SRV_ENV_SYSTEM, p->pam);
	else
		environment_file(e, p->environment_file ? p->environment_file
							: "/etc/environment");
	put_all(e, OE_SRV_ENV_KEY, p->key);
	/* a PAM module may start an agent; a forwarded one is meant instead */
	if (p->agent_socket != NULL)
		rc = oe_srv_env_set(
		    e, OE_SRV_ENV_SERVER, "SSH_AUTH_SOCK", p->agent_socket);
	return rc;
}

mode_t
oe_srv_env_umask(const char *login_defs)
{
	struct oe_strs defs = {NULL, 0};
	const char *text;
	unsigned mask = 022;
	size_t n;

	file_lines(login_defs ? login_defs : "/etc/login.defs", &defs);
	text = defs_get(&defs, "UMASK");
	n = text != NULL ? strspn(text, "01234567") : 0;
	if (n > 0 && n <= 4 && strspn(text + n, " \t") == strlen(text + n))
		mask = (unsigned)strtoul(text, NULL, 8) & 0777;
	oe_strs_done(&defs);
	return (mode_t)mask;
}
