/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/json.h - one JSON object on one line, for programs that read our
 * output.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct oe_json {
	void *fields; /* the object under construction */
};

/** oe_json_begin() - an empty object; oe_json_end() it. */
void oe_json_begin(struct oe_json *j);
/**
 * oe_json_str() - add a text; NULL adds nothing.  Bytes that are no UTF-8
 * cannot stand in JSON: then @key has them escaped as oe_str_escape() does,
 * and @key with "_base64" behind it has all bytes exactly.
 */
void oe_json_str(struct oe_json *j, const char *key, const char *value);
/** oe_json_uint() - add a number; at most INT64_MAX. */
void oe_json_uint(struct oe_json *j, const char *key, uint64_t value);
void oe_json_bool(struct oe_json *j, const char *key, bool value);
/** oe_json_end() - write the line, in ASCII, and free @j. */
void oe_json_end(struct oe_json *j, FILE *out);
