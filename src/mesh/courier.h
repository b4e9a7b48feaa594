/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/courier.h - the process that speaks with the control API for an
 * ssh-server: a hidden command, which only the keeper (mesh/keeper.h) can use.
 *
 * It reads the replies of whoever answers, so it is made for being taken
 * over: a fresh program without anything of the listener's memory, an account
 * that owns nothing, the sandbox of core/net/sandbox.h for clients, no file
 * but the events that wait (to read).  SECURITY.md tells what is left.
 */
#pragma once

#include "core/app/command.h"

#define OE_COURIER_COMMAND "__api-courier"
#define OE_COURIER_SOCKET  3

extern const struct oe_command oe_mesh_command_courier;
