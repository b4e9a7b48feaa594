/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/scp_run.h - one run of scp: targets become paths, paths become work
 * for the engine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oe_cli_forwarding;
struct oe_err;
struct oe_strs;
struct oe_module_set;
struct oe_values;

struct oe_scp_plan {
	const struct oe_module_set *modules; /* who knows names */
	const struct oe_values *v;
	const struct oe_cli_forwarding *forwarding; /* NULL: not built */
	const struct oe_strs *operands; /* the last one is the target */
	unsigned flags;                 /* OE_COPY_ */
	unsigned inflight;              /* -X nrequests, or 0 */
	uint32_t data_max;              /* -X buffer, or 0 */
};

/**
 * oe_scp_run() - all of it; messages are told.
 * @ret_signal: the signal that ended it, or 0.
 * Return: an exit status.
 */
int oe_scp_run(const struct oe_scp_plan *plan, int *ret_signal);
