/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/mem.h"

#include <malloc.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void OE_NORETURN
mem_exhausted(void)
{
	static const char msg[] = "omniedge: out of memory\n";
	ssize_t n OE_UNUSED = write(STDERR_FILENO, msg, sizeof msg - 1);

	_exit(255);
}

void *
oe_mem_check(void *p)
{
	if (!p)
		mem_exhausted();
	return p;
}

void *
oe_mem_zalloc(size_t n)
{
	return oe_mem_check(calloc(1, n ? n : 1));
}

void *
oe_mem_realloc_array(void *p, size_t n, size_t size)
{
	void *q;

	if (size && n > SIZE_MAX / size)
		mem_exhausted();
	q = realloc(p, n && size ? n * size : 1);
	if (!q)
		mem_exhausted();
	return q;
}

char *
oe_mem_strdup(const char *s)
{
	return s ? oe_mem_strndup(s, strlen(s)) : NULL;
}

char *
oe_mem_strndup(const char *s, size_t n)
{
	char *p;

	n = strnlen(s, n);
	p = oe_mem_zalloc(n + 1);
	memcpy(p, s, n);
	return p;
}

char *
oe_mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	p = oe_mem_zalloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void
oe_mem_free(void *pp)
{
	void *p;

	/* any pointer-to-pointer is accepted, so copy it byte by byte */
	memcpy(&p, pp, sizeof p);
	free(p);
	memset(pp, 0, sizeof p);
}

void
oe_mem_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}

void
oe_mem_free_secret(char **pp)
{
	if (*pp)
		oe_mem_wipe(*pp, strlen(*pp));
	free(*pp);
	*pp = NULL;
}

int
oe_mem_equal(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

void *
oe_mem_map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		mem_exhausted();
	return p;
}

void
oe_mem_unmap(void *p, size_t n)
{
	if (p)
		munmap(p, n);
}

uint32_t
oe_mem_random(uint32_t upper)
{
	return upper ? randombytes_uniform(upper) : randombytes_random();
}

void
oe_mem_trim(void)
{
	malloc_trim(0);
}
