/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/http_lib.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "core/base/err.h"

/* The name of the interface that the headers are of. */
#define LIBRARY "libcurl.so.4"

#define ONE(member, name)                                                      \
	{                                                                      \
		offsetof(struct oe_http__lib, member), name                    \
	}

int
oe_http__load(struct oe_http__lib *ret, struct oe_err *err)
{
	static const struct {
		size_t at;
		const char *name;
	} all[] = {
	    ONE(global_init, "curl_global_init"),
	    ONE(global_cleanup, "curl_global_cleanup"),
	    ONE(easy_init, "curl_easy_init"),
	    ONE(easy_cleanup, "curl_easy_cleanup"),
	    ONE(easy_reset, "curl_easy_reset"),
	    ONE(easy_setopt, "curl_easy_setopt"),
	    ONE(easy_getinfo, "curl_easy_getinfo"),
	    ONE(easy_perform, "curl_easy_perform"),
	    ONE(easy_strerror, "curl_easy_strerror"),
	    ONE(slist_append, "curl_slist_append"),
	    ONE(slist_free_all, "curl_slist_free_all"),
	    ONE(url, "curl_url"),
	    ONE(url_cleanup, "curl_url_cleanup"),
	    ONE(url_get, "curl_url_get"),
	    ONE(url_set, "curl_url_set"),
	    ONE(free, "curl_free"),
	    ONE(getdate, "curl_getdate"),
	    ONE(version_info, "curl_version_info"),
	};
	/* NODELETE: its threads and TLS state do not survive a dlclose() */
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	void *sym;
	size_t i;

	for (i = 0; lib && i < OE_ARRAY_LEN(all); i++) {
		sym = dlsym(lib, all[i].name);
		if (!sym)
			break;
		/* POSIX: pointers to functions fit, though C has no cast */
		memcpy((char *)ret + all[i].at, &sym, sizeof sym);
	}
	if (!lib || i < OE_ARRAY_LEN(all))
		return oe_err_set(err, OE_ELIB,
		    "HTTP needs libcurl, which cannot be loaded: %s",
		    dlerror());
	dlclose(lib);
	return 0;
}
