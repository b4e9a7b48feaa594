/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/readahead.h - large reads and few polls under libssh.
 *
 * libssh receives 4096 bytes at a time with a poll() before each, and has no
 * knob for it.  This file defines recv() and poll() in the program, which the
 * dynamic linker then binds libssh's calls to.  For a descriptor added here
 * they read OE_SSH_READAHEAD bytes at once and answer libssh from memory;
 * for all others they are the plain calls.  The shared libssh stays in use,
 * so that the distribution's security updates reach us.
 *
 * After each send, too, libssh polls before it will send again.  So send() is
 * defined here as well: what it took whole shows that the socket has room,
 * which poll() then tells from memory.  If that was the last of the room, the
 * next send() takes nothing, which libssh reads as "wait for the socket"; the
 * real EAGAIN would end the connection.  Nor does libssh ask again about input
 * that the loop's poll() has just found.  Of five polls for a small message
 * in each direction two are left.
 *
 * State is per thread: a connection belongs to the thread that added it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define OE_SSH_READAHEAD (128 * 1024)

/** oe_ssh__readahead_add() - read ahead on @fd from now on. */
void oe_ssh__readahead_add(int fd);
/** oe_ssh__readahead_remove() - forget @fd; bytes not taken are lost. */
void oe_ssh__readahead_remove(int fd);
/** oe_ssh__readahead_waits() - bytes of @fd that wait in memory. */
size_t oe_ssh__readahead_waits(int fd);
/**
 * oe_ssh__readahead_hold() - while @on, poll() says that nothing happened at
 * @fd, at once: libssh then looks at what it has and reads nothing more.
 * Return: what it was before.
 */
bool oe_ssh__readahead_hold(int fd, bool on);
/** oe_ssh__readahead_has() - bytes wait in memory, or are known to wait. */
bool oe_ssh__readahead_has(int fd);
/** oe_ssh__readahead_takes() - poll() would say POLLOUT from memory. */
bool oe_ssh__readahead_takes(int fd);
/** oe_ssh__readahead_drip() - hand out one byte at a time, while @on. */
void oe_ssh__readahead_drip(int fd, bool on);
