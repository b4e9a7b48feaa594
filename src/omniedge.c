/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge.c - main(): the table of modules, handed down as an argument.
 */
#include "core/app/app.h"
#include "core/app/module.h"
#include "core/base/library.h"
#include "core/net/version.h"
#include "core/ssh/version.h"
#include "modules.h"

#define DECLARE(name) extern const struct oe_module oe_module_##name;
OE_MODULES_BUILT(DECLARE)

#define BUILT(name) &oe_module_##name,
#define ABSENT(name, why, ...)                                                 \
	{#name, "--enable-" #name, why,                                        \
	    (const char *const[]){__VA_ARGS__, NULL}},

/* At file scope, where a compound literal is a constant. */
static const struct oe_module *const built[] = {OE_MODULES_BUILT(BUILT) NULL};
static const struct oe_module_absent absent[] = {
    OE_MODULES_ABSENT(ABSENT){NULL, NULL, NULL, NULL}};
static const struct oe_library *const libraries[] = {oe_ssh_libraries,
    oe_net_libraries, oe_app_libraries, oe_base_libraries, NULL};
static const struct oe_module_set set = {
    built, absent, OE_CONFIGURE_SUMMARY, libraries};

int
main(int argc, char **argv)
{
	return oe_app_main(&set, argc, argv);
}
