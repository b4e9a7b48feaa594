/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/mem.h - allocation that cannot fail quietly, and wiping.
 *
 * Running out of memory ends the process with a message: a client command
 * ends, a connection's process ends alone.  Whatever depends on a peer is
 * bounded by a named constant before it gets here.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

/** oe_mem_zalloc() - @n zeroed bytes; free() them.  Never NULL. */
void *oe_mem_zalloc(size_t n) OE_MUST_CHECK;
/** oe_mem_realloc_array() - realloc() of @n items of @size bytes, checked. */
void *oe_mem_realloc_array(void *p, size_t n, size_t size) OE_MUST_CHECK;
/** oe_mem_check() - @p as it is; ends the program when it is NULL. */
void *oe_mem_check(void *p);
/** oe_mem_strdup() - copy of a string; NULL stays NULL. */
char *oe_mem_strdup(const char *s) OE_MUST_CHECK;
/** oe_mem_strndup() - copy of at most @n bytes of a string. */
char *oe_mem_strndup(const char *s, size_t n) OE_MUST_CHECK;
/** oe_mem_printf() - formatted text in memory of its own; free() it. */
char *oe_mem_printf(const char *fmt, ...) OE_PRINTF(1, 2) OE_MUST_CHECK;
/** oe_mem_free() - free *@p (pass the address of a pointer) and empty it. */
void oe_mem_free(void *pp);
/** oe_mem_wipe() - zero @n bytes in a way the compiler keeps. */
void oe_mem_wipe(void *p, size_t n);
/** oe_mem_free_secret() - wipe the string *@pp, free it, empty the pointer. */
void oe_mem_free_secret(char **pp);
/** oe_mem_equal() - compare @n bytes in constant time; 1 when equal. */
int oe_mem_equal(const void *a, const void *b, size_t n);
/** oe_mem_map() - @n anonymous zero bytes that cost nothing until touched. */
void *oe_mem_map(size_t n) OE_MUST_CHECK;
/** oe_mem_unmap() - give oe_mem_map()'s memory back; NULL does nothing. */
void oe_mem_unmap(void *p, size_t n);
/**
 * oe_mem_random() - an unpredictable number in [0, @upper), evenly; any
 * 32-bit number when @upper is 0.
 */
uint32_t oe_mem_random(uint32_t upper);
/**
 * oe_mem_trim() - give free memory back to the system, for a process that
 * has done its work and will now wait.
 */
void oe_mem_trim(void);
