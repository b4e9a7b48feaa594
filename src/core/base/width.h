/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/width.h - how wide text is on a terminal.
 *
 * For text that oe_str_escape() made safe: UTF-8 without control characters.
 * Source: Unicode's East Asian Width and combining marks, by blocks.
 */
#pragma once

#include <stddef.h>

/** oe_width() - columns of @s. */
size_t oe_width(const char *s);
/**
 * oe_width_fit() - @s in exactly @columns: padded with blanks, or with "..."
 * instead of its beginning, since the end of a path tells most.
 * @ret: cut when @size is too small for it; 4 bytes a column are enough.
 */
void oe_width_fit(const char *s, size_t columns, char *ret, size_t size);
