/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/streams.h - standard streams that can be used without waiting and
 * without changing them for the processes that share them.
 */
#pragma once

#include <stdbool.h>

/**
 * oe_stream_private() - descriptor for the same file as @fd.
 * Pipes and terminals are opened anew, so that O_NONBLOCK is ours alone; what
 * cannot be (sockets) or never waits (files) is duplicated as it is.
 * @read: for reading, else for writing.
 * Return: a descriptor, close-on-exec, or -1.
 */
int oe_stream_private(int fd, bool read);
/**
 * oe_stream_detach() - this process goes on in the background: a session of
 * its own, no standard input and output, and none of the descriptors that it
 * was started with.  A pipe that stays open there would not end for its
 * reader.  Standard error stays.
 */
void oe_stream_detach(void);
/** oe_stream_drop() - let @fd (0 or 1) stand for /dev/null from now on. */
void oe_stream_drop(int fd);
