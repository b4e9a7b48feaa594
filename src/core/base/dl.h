/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/dl.h - libraries that are loaded when they are first needed.
 *
 * The linker checks neither their names nor those of their functions, so a
 * list of functions is written once and becomes both a struct of pointers,
 * typed by the library's own header, and the names that are looked up:
 *
 *	#define CALLS(X) X(PQexec) X(PQclear)
 *	struct calls { CALLS(OE_DL_MEMBER) };
 *	#define SYMBOL(f) OE_DL_SYMBOL(struct calls, f)
 *	static const struct oe_dl_symbol symbols[] = {
 *	    CALLS(SYMBOL) OE_DL_END};
 */
#pragma once

#include <stddef.h>

#include "core/base/compiler.h"

struct oe_err;

struct oe_dl_symbol {
	const char *name; /* NULL ends a list */
	size_t at;        /* where its pointer is in the struct */
};

/* A member for the function f of a header, and where and how it is called. */
#define OE_DL_MEMBER(f)       __typeof__(f) *f;
#define OE_DL_SYMBOL(type, f) {#f, offsetof(type, f)},
#define OE_DL_END                                                              \
	{                                                                      \
		NULL, 0                                                        \
	}

/**
 * oe_dl_load() - load a library and find functions of it.
 * @library: its soname, that of the interface that the headers are of.
 * @symbols: ended by OE_DL_END.
 * @ret: the struct; its pointers are good until the process ends, as the
 * library is never unloaded.  Undefined on failure.
 * Return: 0, or OE_EABSENT when the library or a function is not there.
 */
int oe_dl_load(const char *library, const struct oe_dl_symbol *symbols,
    void *ret, struct oe_err *err) OE_MUST_CHECK;
