/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/dl.h"

#include <dlfcn.h>
#include <string.h>

#include "core/base/err.h"

static int
absent(struct oe_err *err)
{
	const char *why = dlerror();

	return oe_err_set(err, OE_EABSENT, "cannot load %s",
	    why ? why : "a library: no reason is known");
}

int
oe_dl_load(const char *library, const struct oe_dl_symbol *symbols, void *ret,
    struct oe_err *err)
{
	/* NODELETE: threads and TLS state do not survive a dlclose() */
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	void *sym;
	int r = 0;

	if (!lib)
		return absent(err);
	for (; symbols->name && r == 0; symbols++) {
		sym = dlsym(lib, symbols->name);
		if (!sym)
			r = absent(err);
		/* POSIX: pointers to functions fit, though C has no cast */
		memcpy((char *)ret + symbols->at, &sym, sizeof sym);
	}
	dlclose(lib);
	return r;
}
