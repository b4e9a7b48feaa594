/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/library.h"

#include <jansson.h>
#include <sodium.h>
#include <stddef.h>

const struct oe_library oe_base_libraries[] = {
    {"libsodium", SODIUM_VERSION_STRING, sodium_version_string},
    {"jansson", JANSSON_VERSION, jansson_version_str},
    {NULL, NULL, NULL},
};
