/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/ssh_policy_test.h - "ssh-policy test": ask a policy a question.
 */
#pragma once

struct oe_ctx;

/**
 * oe_mesh__policy_test() - answer on standard output.
 * Return: OE_EXIT_OK: permitted; OE_EXIT_POLICY: not; OE_EXIT_CONFIG: the
 * policy cannot be used.
 */
int oe_mesh__policy_test(const struct oe_ctx *ctx);
