/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/net_channel.h - the session channels of one connection, in net.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oe_buf;
struct oe_loop;
struct oe_srv_channels;
struct oe_ssh;
struct oe_ssh_chan;

struct oe_srv_channels *
oe_srv__channels_new(struct oe_loop *loop, struct oe_ssh *ssh, int rpc);
/** oe_srv__channels_reserve() - ask the monitor for one more session. */
bool oe_srv__channels_reserve(struct oe_srv_channels *cs);
/** oe_srv__channels_add() - the channel of the session reserved last. */
void oe_srv__channels_add(struct oe_srv_channels *cs, struct oe_ssh_chan *chan);
/** oe_srv__channels_exited() - OE_SRV_NOTE_EXITED came. */
void oe_srv__channels_exited(struct oe_srv_channels *cs, struct oe_buf *b);
/** oe_srv__channels_agent() - bridge @fd (owned) to the peer's agent. */
void oe_srv__channels_agent(struct oe_srv_channels *cs, int fd);
/** oe_srv__channels_agent_end() - end all that are bridged. */
void oe_srv__channels_agent_end(struct oe_srv_channels *cs);
/** oe_srv__channels_lost() - tell the monitor the counts of what is open. */
void oe_srv__channels_lost(struct oe_srv_channels *cs);
/** oe_srv__channels_traffic() - bytes moved so far, both ways. */
uint64_t oe_srv__channels_traffic(const struct oe_srv_channels *cs);
