/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/ssh.h - one SSH connection of either side, over libssh.
 *
 * Everything is event-driven on an oe_loop; nothing blocks.  libssh's types
 * stay inside core/ssh (internal.h).  Bounds: a channel holds at most twice
 * its window (window.h, up to OE_SSH_WINDOW_MAX for all channels of a
 * connection beyond what libssh grants each) and OE_SSH_STUCK_MAX bytes that
 * its owner has not taken, after that the connection ends; writing stops at the
 * peer's window and at OE_SSH_OUT_MAX bytes of unsent output.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/base/library.h"

struct oe_err;
struct oe_loop;
struct oe_ssh;
struct oe_ssh_chan;

#define OE_SSH_STUCK_MAX  (4u * 1024 * 1024)
#define OE_SSH_OUT_MAX    (2u * 1024 * 1024)
#define OE_SSH_WINDOW_MAX (16u * 1024 * 1024)

/*
 * Events of one channel.  Any may be NULL.  The server-side ones return true
 * to accept.  Text from the peer is ended by NUL and otherwise unchecked.
 */
struct oe_ssh_chan_ops {
	/*
	 * Data from the peer (@ext: stderr).  Return the bytes taken; the rest
	 * is kept and offered again by oe_ssh_chan_resume().
	 */
	size_t (*data)(void *arg, const void *p, size_t n, bool ext);
	void (*eof)(void *arg);
	void (*closed)(void *arg);
	/* client side */
	void (*exit_status)(void *arg, int status);
	void (*exit_signal)(
	    void *arg, const char *signal, bool core, const char *message);
	/* server side; @modes as RFC 4254 section 8, may be empty */
	bool (*pty)(void *arg, const char *term, const uint32_t size[4],
	    const uint8_t *modes, size_t modes_len);
	bool (*window_change)(void *arg, const uint32_t size[4]);
	bool (*env)(void *arg, const char *name, const char *value);
	bool (*shell)(void *arg);
	bool (*exec)(void *arg, const char *command);
	bool (*subsystem)(void *arg, const char *name);
	void (*signal)(void *arg, const char *name);
	bool (*agent)(void *arg);
	bool (*x11)(void *arg);
};

/** oe_ssh_libraries - libssh and OpenSSL; ended by name NULL. */
extern const struct oe_library oe_ssh_libraries[];

/** oe_ssh_global_init() - once per process before anything else here. */
int oe_ssh_global_init(struct oe_err *err);
/** oe_ssh_library_version() - version of the libssh that is loaded. */
const char *oe_ssh_library_version(void);
/** oe_ssh_log_level() - pass libssh's own messages to oe_log at debug. */
void oe_ssh_log_level(int level);

/**
 * oe_ssh_attach() - serve the connection from @loop from now on.
 * @failed: called once when the connection is lost or broken.
 */
void oe_ssh_attach(struct oe_ssh *s, struct oe_loop *loop,
    void (*failed)(void *arg), void *arg);
/** oe_ssh_free() - drop the connection and all its channels. */
void oe_ssh_free(struct oe_ssh **s);
/**
 * oe_ssh_abandon() - after a fork, in the process that is not to have the
 * connection: as oe_ssh_free(), and nothing of it reaches the peer.
 */
void oe_ssh_abandon(struct oe_ssh **s);
/** oe_ssh_disconnect() - tell the peer why (text may be NULL), and close. */
void oe_ssh_disconnect(struct oe_ssh *s, const char *why);
/** oe_ssh_is_alive() - the transport still works. */
bool oe_ssh_is_alive(const struct oe_ssh *s);
/** oe_ssh_error() - libssh's last message for this connection. */
const char *oe_ssh_error(const struct oe_ssh *s);
/** oe_ssh_reason() - the peer's disconnect message, or NULL. */
const char *oe_ssh_reason(const struct oe_ssh *s);
/** oe_ssh_fd() - its socket. */
int oe_ssh_fd(const struct oe_ssh *s);
/** oe_ssh_unsent() - output waits for the socket. */
bool oe_ssh_unsent(const struct oe_ssh *s);
/** oe_ssh_flush() - send what waits, for at most @timeout_ms. */
int oe_ssh_flush(struct oe_ssh *s, int timeout_ms);
/** oe_ssh_keepalive() - send keepalive@openssh.com. 0 or OE_ECLOSED. */
int oe_ssh_keepalive(struct oe_ssh *s);
/** oe_ssh_last_input_ms() - monotonic time of the last bytes received. */
int64_t oe_ssh_last_input_ms(const struct oe_ssh *s);
/** oe_ssh_bytes() - bytes on the wire since the start. */
void oe_ssh_bytes(const struct oe_ssh *s, uint64_t *ret_in, uint64_t *ret_out);
/**
 * oe_ssh_rtt_us() - smoothed round trip as TCP measures it; 0 when the way is
 * no TCP connection or it is not known.
 */
uint64_t oe_ssh_rtt_us(const struct oe_ssh *s);
/**
 * oe_ssh_hostkey() - client side: the server's key as "TYPE BASE64", to be
 * freed; NULL when libssh does not tell it.
 */
char *oe_ssh_hostkey(const struct oe_ssh *s);
/** oe_ssh_algorithms() - "kex cipher-in cipher-out", for -v. */
void oe_ssh_algorithms(const struct oe_ssh *s, char *ret, size_t size);

/** oe_ssh_chan_set_ops() - @ops and @arg must outlive the channel. */
void oe_ssh_chan_set_ops(
    struct oe_ssh_chan *c, const struct oe_ssh_chan_ops *ops, void *arg);
/** oe_ssh_chan_room() - bytes that may be written now (0: wait). */
size_t oe_ssh_chan_room(const struct oe_ssh_chan *c);
/**
 * oe_ssh_chan_write() - at most oe_ssh_chan_room() bytes; 0, OE_ECLOSED.
 * All of it is taken.  While keys are exchanged it waits here; there is no
 * room for more meanwhile (oe_ssh_chan_is_late()), and EOF must wait too.
 */
int oe_ssh_chan_write(struct oe_ssh_chan *c, const void *p, size_t n, bool ext);
/** oe_ssh_chan_is_late() - something that was written still waits here. */
bool oe_ssh_chan_is_late(const struct oe_ssh_chan *c);
/** oe_ssh_chan_resume() - offer kept data to ops->data again. */
void oe_ssh_chan_resume(struct oe_ssh_chan *c);
/** oe_ssh_chan_held() - bytes kept because ops->data did not take them. */
size_t oe_ssh_chan_held(const struct oe_ssh_chan *c);
void oe_ssh_chan_send_eof(struct oe_ssh_chan *c);
void oe_ssh_chan_send_exit_status(struct oe_ssh_chan *c, int status);
void oe_ssh_chan_send_exit_signal(
    struct oe_ssh_chan *c, const char *signal, bool core, const char *message);
/** oe_ssh_chan_close() - send CLOSE; the channel stays valid till freed. */
void oe_ssh_chan_close(struct oe_ssh_chan *c);
bool oe_ssh_chan_is_open(const struct oe_ssh_chan *c);
/** oe_ssh_chan_free() - close if open and forget; empties the pointer. */
void oe_ssh_chan_free(struct oe_ssh_chan **c);
