/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/policy_place.h - where in a JSON text a value stands.
 *
 * A parsed value does not remember its line; it is looked for again when
 * there is something to say about it.
 */
#pragma once

#include <stddef.h>

/**
 * oe_policy__place() - line, from 1, where a value begins.
 * @text: @n bytes; meant for text that oe_jval_parse() takes, and safe for
 *        any other.
 * @steps: @depth times: the how manieth item or member, from 0.  A member
 *         counts from its key on.
 * Return: 0 when there is no such value.
 */
unsigned
oe_policy__place(const char *text, size_t n, const size_t *steps, size_t depth);
