/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/streams.h - standard streams that can be used without waiting and
 * without changing them for the processes that share them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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
 * its own, no standard input and output, and of all other descriptors only
 * @n that are kept, standard error and the log.  A pipe or socket that stayed
 * open here would not end for its reader.
 */
void oe_stream_detach(const int *keep, size_t n);
/** oe_stream_drop() - let @fd (0 or 1) stand for /dev/null from now on. */
void oe_stream_drop(int fd);
