/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/http_lib.h"

#include <stddef.h>

#include "core/base/dl.h"
#include "core/base/err.h"

/* The name of the interface that the headers are of. */
#define LIBRARY "libcurl.so.4"

/* Macros of its header have the names of functions: each is spelled out. */
#define ONE(member, name)                                                      \
	{                                                                      \
		name, offsetof(struct oe_http__lib, member)                    \
	}

int
oe_http__load(struct oe_http__lib *ret, struct oe_err *err)
{
	static const struct oe_dl_symbol all[] = {
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
	    OE_DL_END,
	};
	int r = oe_dl_load(LIBRARY, all, ret, err);

	return r < 0 ? oe_err_wrap(err, OE_ELIB,
			   "HTTP needs libcurl (Debian package libcurl4)")
		     : 0;
}
