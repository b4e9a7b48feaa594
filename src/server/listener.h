/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/listener.h - accepts connections, keeps the limits, forks monitors.
 */
#pragma once

struct oe_ctx;
struct oe_srv_config;

/**
 * oe_srv_listener_run() - serve until told to stop.
 * @cfg: in force; replaced by what a reload loads.
 * SIGHUP re-reads the configuration, SIGUSR2 replaces the program in place,
 * SIGTERM and SIGINT stop.
 * Return: exit status of the program.
 */
int oe_srv_listener_run(const struct oe_ctx *ctx, struct oe_srv_config **cfg);
