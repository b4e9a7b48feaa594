/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/network_rows.h - networks and what is in them, as rows and as JSON.
 */
#pragma once

#include "control/resource.h"

/*
 * What oe_ctl_network_row() reads; ?1 is the caller.  Follow it by AND.
 */
#define OE_CTL_NETWORK_SELECT                                                  \
	"SELECT n.id, n.name, n.ip_range, m.role, "                            \
	"(SELECT COUNT(*) FROM members c WHERE c.network_id = n.id), "         \
	"(SELECT COUNT(*) FROM network_devices c WHERE c.network_id = n.id), " \
	"s.id, s.name, s.host, s.type, s.country, n.created_at "               \
	"FROM networks n "                                                     \
	"JOIN members m ON m.network_id = n.id AND m.user_id = ?1 "            \
	"LEFT JOIN servers s ON s.id = n.server_id WHERE 1 = 1"

int oe_ctl_network_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret);

/* Devices of a network: ?1 is the network.  Follow it by AND. */
#define OE_CTL_PEER_SELECT                                                     \
	"SELECT d.id, d.name, d.platform, nd.virtual_ip, nd.virtual_ip_v6, "   \
	"d.last_seen, d.hardware_id, d.created_at, d.user_id "                 \
	"FROM network_devices nd JOIN devices d ON d.id = nd.device_id "       \
	"WHERE nd.network_id = ?1"

int oe_ctl_peer_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret);

/* Users of a network: ?1 is the network. */
#define OE_CTL_MEMBER_SELECT                                                   \
	"SELECT u.id, u.name, u.email, u.picture, u.status, m.role, "          \
	"m.joined_at FROM members m JOIN users u ON u.id = m.user_id "         \
	"WHERE m.network_id = ?1"

int oe_ctl_member_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret);

/** oe_ctl_server_json() - id, name, host, type, country; null without id. */
struct oe_jval *oe_ctl_server_json(struct oe_ctl_rows *rows, int column);
