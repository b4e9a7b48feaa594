/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/app.h - from main() to a command's run().
 */
#pragma once

struct oe_module_set;

/**
 * oe_app_main() - dispatch to a command; "help", "version" and "completion"
 * are built in.
 * Return: the exit status of the program.
 */
int oe_app_main(const struct oe_module_set *set, int argc, char **argv);
