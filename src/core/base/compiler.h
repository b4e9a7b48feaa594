/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/compiler.h - the only place that names compiler extensions.
 */
#pragma once

#define OE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define OE_MUST_CHECK        __attribute__((warn_unused_result))
#define OE_NORETURN          __attribute__((noreturn))
#define OE_UNUSED            __attribute__((unused))
#define OE_ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
