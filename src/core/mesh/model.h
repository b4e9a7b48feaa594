/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/model.h - what a control API tells of devices and networks, as
 * this program keeps it.
 *
 * Read leniently from the shapes that are in use (both spellings, nested or
 * not); what is missing is NULL, 0 or unknown.  Names are as somebody wrote
 * them: any bytes but NUL, so they are escaped wherever they are shown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_jval;

/* Bounds; what is longer is dropped (texts) or an error (counts). */
#define OE_MESH_ID_MAX       64 /* [A-Za-z0-9_-] */
#define OE_MESH_NAME_MAX     1024
#define OE_MESH_TEXT_MAX     1024
#define OE_MESH_TAGS_MAX     64
#define OE_MESH_KEYS_MAX     16
#define OE_MESH_DEVICES_MAX  50000
#define OE_MESH_NETWORKS_MAX 1000

/* Younger than this a device that was seen counts as online. */
#define OE_MESH_SEEN_S 300

enum oe_mesh_online {
	OE_MESH_ONLINE_UNKNOWN,
	OE_MESH_ONLINE_NO,
	OE_MESH_ONLINE_YES,
};

/* "yes", "no", "unknown" */
const char *oe_mesh_online_text(enum oe_mesh_online o);

struct oe_mesh_device {
	char *id, *name; /* never NULL */
	char *ip, *ip6;  /* virtual addresses, canonical text */
	char *platform;
	char *hardware_id;
	char *owner_id, *owner; /* owner: email */
	struct oe_strs tags;
	struct oe_strs host_keys; /* "ssh-ed25519 AAAA..." */
	int ssh_port;             /* of its SSH server; 0: not told */
	enum oe_mesh_online online;
	int64_t seen_ms; /* last seen; 0: never or unknown */
};

struct oe_mesh_network {
	char *id, *name;             /* never NULL */
	char *ip_range, *ip_range6;  /* "100.100.0.0/24" */
	int64_t role;                /* 1 user, 2 admin, others as they come */
	int64_t users, devices_told; /* counts of the API; -1: not told */
	struct oe_mesh_device *devices;
	size_t n;
	bool has_devices; /* the reply had a list of them, be it empty */
	/* its devices came from a signed directory (core/mesh/signed.h) */
	bool is_signed;
};

/* Networks, the caller's own all of them. */
struct oe_mesh_networks {
	struct oe_mesh_network *v;
	size_t n;
};

/** oe_mesh_is_id() - 1 to OE_MESH_ID_MAX of [A-Za-z0-9_-], no dash first. */
bool oe_mesh_is_id(const char *text);

void oe_mesh_device_done(struct oe_mesh_device *d);
void oe_mesh_network_done(struct oe_mesh_network *n);
void oe_mesh_networks_done(struct oe_mesh_networks *l);

/**
 * oe_mesh_device_read() - one device object, within a network or alone.
 * @now_ms: when the reply came, to judge last_seen by.
 * @ret: oe_mesh_device_done() it; untouched on failure.
 * Return: false when it has no usable id; no name means the id.
 */
bool oe_mesh_device_read(const struct oe_jval *v, int64_t now_ms,
    struct oe_mesh_device *ret) OE_MUST_CHECK;
/**
 * oe_mesh_network_read() - one network object with its devices, if any.
 * Devices without a usable id are left out.
 * @ret: oe_mesh_network_done() it; untouched on failure.
 * Return: 0, OE_EPROTO (no usable id), OE_ETOOBIG.
 */
int oe_mesh_network_read(const struct oe_jval *v, int64_t now_ms,
    struct oe_mesh_network *ret) OE_MUST_CHECK;
/**
 * oe_mesh_network_add() - put @d, taken over, into @n.
 * Return: 0 or OE_ETOOBIG (@d is still the caller's).
 */
int oe_mesh_network_add(
    struct oe_mesh_network *n, struct oe_mesh_device *d) OE_MUST_CHECK;
/** oe_mesh_networks_add() - as oe_mesh_network_add(). */
int oe_mesh_networks_add(
    struct oe_mesh_networks *l, struct oe_mesh_network *n) OE_MUST_CHECK;

/* Readers of single fields under any of several names; list ends with NULL. */
const char *oe_mesh_text_of(const struct oe_jval *v, const char *const *names);
/** oe_mesh_int_of() - a number, or text that is one. */
bool
oe_mesh_int_of(const struct oe_jval *v, const char *const *names, int64_t *ret);
