/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/away.h - a file that says that a control API did not answer, so
 * that the commands after the one that waited for it do not wait too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Pause after the first failure; each further one doubles it up to the other.
 */
#define OE_MESH_AWAY_MS     20000
#define OE_MESH_AWAY_MAX_MS 320000

/**
 * oe_mesh_away_left_ms() - how long nobody is to be asked yet; 0: not at all.
 * @path: of the file; what cannot be read says nothing.
 */
int64_t oe_mesh_away_left_ms(const char *path);
/** oe_mesh_away_note() - one more failure; a file that cannot be is none. */
void oe_mesh_away_note(const char *path);
/** oe_mesh_away_clear() - it has answered. */
void oe_mesh_away_clear(const char *path);
