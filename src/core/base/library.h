/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/library.h - third-party libraries as compiled and as loaded.
 *
 * Each floor that meets a library names it in a table of this shape, for
 * "omniedge version -v".
 */
#pragma once

struct oe_library {
	const char *name;     /* NULL ends a table */
	const char *compiled; /* version of the headers */
	/* version of the loaded library; NULL when it does not tell */
	const char *(*running)(void);
};

/** oe_base_libraries - libsodium and jansson; ended by name NULL. */
extern const struct oe_library oe_base_libraries[];
