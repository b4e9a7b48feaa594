/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/copy_internal.h - the parts of the transfer engine, to each other.
 *
 * Work is cut into jobs: one for each directory that is being read, for each
 * file under way, and for each directory whose attributes are set at the end.
 * A job is a chain of steps.  A step issues requests and names the next step,
 * which runs when all of them are finished.  Steps run from one place only
 * (oe_copy__pump(), an idle function of the loop): done() of a request merely
 * notes that its job can go on, so that neither side's answers nor requests
 * that end at once make the stack grow.
 *
 * The bytes of a large file are moved by chunks (copy_large.c) while its job
 * is parked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "sftp/copy.h"

#define OE_COPY_LANES_MAX 8
/* Directories that are read at once. */
#define OE_COPY_DIRS_MAX 32
/* Files under way whose bytes go in chunks. */
#define OE_COPY_LARGE_MAX 32
/* Requests of one job at once, chunks apart. */
#define OE_COPY_OPS 8
/* Links to directories on the way from the root to a name. */
#define OE_COPY_LINKS_MAX 40
/* Names of one directory that are remembered to find repeated ones. */
#define OE_COPY_SEEN_MAX (1u << 21)
/* What is compared, and resent when it differs, by OE_COPY_RESUME. */
#define OE_COPY_BLOCK (4u * 1024 * 1024)
/* Zeros in a row that become a hole. */
#define OE_COPY_HOLE_MIN (32u * 1024)
/* Above this a file's holes are asked for. */
#define OE_COPY_SPARSE_MIN (1024u * 1024)
/* Longest stretch of work without a look at the loop. */
#define OE_COPY_SLICE_US 8000
/* Bytes of READs in flight at first; see copy_chunk.c. */
#define OE_COPY_WINDOW_MIN (2u * 1024 * 1024)

struct oe_copy_job;
typedef void oe_copy_step(struct oe_copy_job *j);

/* One session to one side, or this machine. */
struct oe_copy_lane {
	struct oe_sftp_fs *fs;
	unsigned index;
	unsigned jobs;     /* that use it */
	uint64_t out;      /* bytes of READs in flight */
	unsigned requests; /* READs and WRITEs of chunks in flight */
	/* how much to have in flight */
	uint64_t window, epoch_bytes, best_rate;
	int64_t epoch_us;
	unsigned flat; /* epochs since the rate last grew */
};

struct oe_copy_side {
	struct oe_copy_lane lane[OE_COPY_LANES_MAX];
	unsigned n;
};

/* Names that were seen in one directory, as hashes. */
struct oe_copy_seen {
	uint64_t *v; /* 0: free */
	size_t n, cap;
};

/* A directory of the source tree and its place, while anything needs it. */
struct oe_copy_dir {
	struct oe_copy_dir *next; /* of those that wait */
	struct oe_copy_dir *parent;
	size_t refs;
	struct oe_sftp_attrs attrs;
	unsigned links;
	bool fresh;  /* made by this run: nothing else is in it */
	bool opened; /* for the item at the end */
	int status;
	char *from, *to; /* once opened */
	struct oe_copy_seen seen;
	char name[]; /* of a root: FROM NUL TO */
};

/* A name that waits for a job. */
struct oe_copy_name {
	struct oe_copy_name *next;
	struct oe_copy_dir *dir; /* NULL: a root, name is FROM NUL TO */
	struct oe_sftp_attrs attrs;
	bool counted; /* in the totals */
	char name[];
};

struct oe_copy_large;
struct oe_copy_verify;

struct oe_copy_job {
	struct oe_copy_job *next;        /* ready, or free */
	struct oe_copy_job *prev_active; /* of all in use */
	struct oe_copy_job *next_active;
	struct oe_sftp_copy *c;
	oe_copy_step *step;
	unsigned pending;
	unsigned used; /* bit i: request i was issued in this round */
	bool ready, stepping, parked, ended;
	bool is_file; /* else a directory */
	bool held;    /* waits for oe_sftp_local_flush() */
	struct oe_copy_lane *from, *to;
	struct oe_sftp_op op[OE_COPY_OPS];

	struct oe_copy_name *name; /* a file's */
	struct oe_copy_dir *dir;   /* a directory's */
	struct oe_sftp_file *ff, *tf;
	struct oe_sftp_attrs target; /* flags 0: nothing there */
	bool target_known;
	bool in_place;  /* no part file */
	bool resume;    /* what is there may be used */
	bool made;      /* the part file, or the target, was made by us */
	bool again;     /* the part file was removed once already */
	bool keep;      /* a failure leaves the part file for a later run */
	bool yields;    /* the loop may have a look, then it goes on */
	bool comparing; /* the target itself is compared: it may be right */
	bool chunks;    /* too large, or became so, for one piece */
	unsigned retries;
	unsigned links;  /* symbolic links followed to it */
	uint64_t weight; /* in job_bytes */
	char *part;
	uint8_t *buf;
	size_t buf_len, buf_cap;
	struct oe_copy_large *large;

	uint64_t counted; /* of its bytes, in totals.bytes_done */
	uint64_t moved, resumed;
	int64_t begun_ms;
	char sha256[65];
	bool begun, skipped;
	struct oe_err *err; /* NULL: no failure */
};

struct oe_copy_chunk;

struct oe_sftp_copy {
	struct oe_copy_plan plan;
	struct oe_copy_side from, to;
	struct oe_idle *idle;
	struct oe_timer *timer, *rate_timer;
	bool kicked, in_pump, last, ended, orphan;
	size_t outs; /* requests in flight */

	struct oe_copy_dir *dirs; /* to be opened, deepest first */
	struct oe_copy_dir *ends; /* all in them is done */
	size_t n_dirs;            /* alive */
	struct oe_copy_name *names, **names_last;
	size_t n_names;
	struct oe_copy_job *ready, **ready_last;
	struct oe_copy_job *free_jobs, *active, *paused;
	size_t n_file_jobs, n_dir_jobs, n_held, n_jobs;
	uint64_t job_bytes; /* of files under way in one piece */
	struct oe_copy_large *large, **large_last;
	size_t n_large;
	struct oe_copy_chunk *free_chunks;

	int64_t tokens, tokens_ms; /* of bytes_per_s */

	struct oe_copy_totals totals;
	int status;
	struct oe_err err;
	bool stopping; /* begin nothing more */

	char *cwd; /* of a local source, for identities */
	uint64_t seed;
	uint8_t *zeros; /* OE_COPY_HOLE_MIN bytes */
	char path_from[OE_SFTP_PATH_MAX + 1], path_to[OE_SFTP_PATH_MAX + 1];
	uint8_t *scratch; /* OE_SFTP_WHOLE_MAX bytes */
};

/* --- copy.c --- */

/*
 * Requests that open something have their place, so that what they opened is
 * closed when nobody waits for it any more.
 */
#define OE_COPY_OP_OPEN_TO   0
#define OE_COPY_OP_OPEN_FROM 2

/** oe_copy__op() - request @i of @j, zeroed and counted; hand it to a fs. */
struct oe_sftp_op *oe_copy__op(struct oe_copy_job *j, unsigned i);
/** oe_copy__take() - what @op opened; it is the caller's to close. */
struct oe_sftp_file *oe_copy__take(struct oe_sftp_op *op);
/** oe_copy__done() - the done() of such a request. */
void oe_copy__done(struct oe_sftp_op *op);
/** oe_copy__op_orphan() - a request of an engine that was freed has ended. */
void oe_copy__op_orphan(struct oe_copy_job *j, struct oe_sftp_op *op);
/** oe_copy__out_end() - one request less; frees an orphan with the last. */
void oe_copy__out_end(struct oe_sftp_copy *c);
/** oe_copy__close() - end @file, whoever waits or not; empties it. */
void oe_copy__close(struct oe_sftp_fs *fs, struct oe_sftp_file **file);
/** oe_copy__ready() - a parked job goes on. */
void oe_copy__ready(struct oe_copy_job *j);
/** oe_copy__run() - steps of @j until it waits. */
void oe_copy__run(struct oe_copy_job *j);
/** oe_copy__yield() - go on after the others had their turn. */
void oe_copy__yield(struct oe_copy_job *j);
/** oe_copy__kick() - something changed: look again soon. */
void oe_copy__kick(struct oe_sftp_copy *c);
/** oe_copy__job() - a job that begins with @step. */
struct oe_copy_job *oe_copy__job(struct oe_sftp_copy *c, oe_copy_step *step);
/** oe_copy__job_done() - back to the pool; its step must return. */
void oe_copy__job_done(struct oe_copy_job *j);
/** oe_copy__failed() - remember the first failure; stop where asked to. */
void
oe_copy__failed(struct oe_sftp_copy *c, int status, const struct oe_err *err);
void oe_copy__warn(struct oe_sftp_copy *c, const char *text);
/** oe_copy__lane() - the lane of @side with the least to do; NULL: none. */
struct oe_copy_lane *oe_copy__lane(struct oe_copy_side *side);
/** oe_copy__lost() - no session is left on either side. */
bool oe_copy__lost(const struct oe_sftp_copy *c);
/** oe_copy__now_us() - monotonic, for rates only. */
int64_t oe_copy__now_us(void);
/** oe_copy__tokens() - may bytes go over now?  Arms the timer if not. */
bool oe_copy__tokens(struct oe_sftp_copy *c);
void oe_copy__spend(struct oe_sftp_copy *c, uint64_t n);
/** oe_copy__chunk_max() - @n, or less where the rate asks for it. */
size_t oe_copy__chunk_max(const struct oe_sftp_copy *c, uint64_t n);

/* --- copy_walk.c --- */

/** oe_copy__walk() - open directories that wait; true: it did something. */
bool oe_copy__walk(struct oe_sftp_copy *c);
/** oe_copy__walk_more() - readers that paused go on when there is room. */
void oe_copy__walk_more(struct oe_sftp_copy *c);
/** oe_copy__dir_add() - a directory waits; @parent NULL: @name is a root's. */
void oe_copy__dir_add(struct oe_sftp_copy *c, struct oe_copy_dir *parent,
    const char *name, const struct oe_sftp_attrs *a, unsigned links);
void oe_copy__dir_unref(struct oe_sftp_copy *c, struct oe_copy_dir *d);
void oe_copy__dir_free(struct oe_sftp_copy *c, struct oe_copy_dir *d);
/** oe_copy__walk_drop() - forget all that waits. */
void oe_copy__walk_drop(struct oe_sftp_copy *c);

/* --- copy_name.c --- */

/** oe_copy__names() - begin files that wait; true: it did something. */
bool oe_copy__names(struct oe_sftp_copy *c);
void oe_copy__name_add(struct oe_sftp_copy *c, struct oe_copy_dir *dir,
    const char *name, const struct oe_sftp_attrs *a);
/** oe_copy__use_lanes() - choose where @j's requests go; false: nowhere. */
bool oe_copy__use_lanes(struct oe_copy_job *j);
/** oe_copy__from(), oe_copy__to() - its paths; valid until the next call. */
const char *oe_copy__from(const struct oe_copy_job *j);
const char *oe_copy__to(const struct oe_copy_job *j);
/** oe_copy__begin() - tell that a file is begun, once. */
void oe_copy__begin(struct oe_copy_job *j);
/** oe_copy__progress() - @n more bytes of @j are at their place. */
void oe_copy__progress(struct oe_copy_job *j, uint64_t n, bool moved);
/** oe_copy__end() - the file is done, or failed with j->err. */
void oe_copy__end(struct oe_copy_job *j);
/** oe_copy__start() - the first step of a file; again when a lane is lost. */
oe_copy_step oe_copy__start;

/* --- copy_small.c --- */

/** oe_copy__small() - the step that begins a file in one piece. */
oe_copy_step oe_copy__small;
/** oe_copy__is_small() - whether it goes in one piece. */
bool oe_copy__is_small(const struct oe_copy_job *j);

/* --- copy_target.c --- */

/**
 * oe_copy__open_target() - issue requests 0 (OPEN) and 1 (LSTAT of the
 * target, where it is not known); then call _opened() in the next step.
 */
void oe_copy__open_target(struct oe_copy_job *j);
/**
 * oe_copy__opened() - look at them.
 * Return: 0 (j->tf is open), OE_EAGAIN (issued again: same step once more),
 * or a failure that was noted.
 */
int oe_copy__opened(struct oe_copy_job *j);
/** oe_copy__attrs() - what FSETSTAT must set on the target; flags 0: none. */
struct oe_sftp_attrs oe_copy__attrs(const struct oe_copy_job *j);
/** oe_copy__finish() - issue FSETSTAT, FSYNC, CLOSE; requests 4, 5, 6. */
void oe_copy__finish(struct oe_copy_job *j);
/** oe_copy__finished() - the step after it: rename, then end. */
oe_copy_step oe_copy__finished;
/** oe_copy__fail() - give up the job: close, clean up, end with @status. */
void oe_copy__fail(
    struct oe_copy_job *j, const struct oe_sftp_op *op, const char *path);
void oe_copy__fail_text(
    struct oe_copy_job *j, int status, const char *path, const char *words);

/** oe_copy__place() - the path that is written to: part file or target. */
const char *oe_copy__place(struct oe_copy_job *j);
/** oe_copy__pflags() - pflags of any OPEN of it, what creates it apart. */
uint32_t oe_copy__pflags(const struct oe_copy_job *j);

/* --- copy_large.c --- */

/* A file whose bytes go in chunks. */
struct oe_copy_large {
	struct oe_copy_large *next; /* of the active ones */
	struct oe_copy_job *j;
	/* by lane; NULL: not open there */
	struct oe_sftp_file *from[OE_COPY_LANES_MAX], *to[OE_COPY_LANES_MAX];
	bool from_asked[OE_COPY_LANES_MAX], to_asked[OE_COPY_LANES_MAX];
	uint64_t size;    /* where it ends, as far as known */
	uint64_t next_at; /* first byte that was not asked for */
	uint64_t old;     /* bytes the target had: no holes are made there */
	uint64_t written; /* end of the last byte written */
	uint64_t got_to;  /* end of the last byte read */
	uint8_t *same;    /* bit per OE_COPY_BLOCK that need not go; or NULL */
	uint64_t same_blocks;
	uint64_t compared; /* copy_resume.c: bytes whose hashes are known */
	bool probed;       /* asked for what is behind the end */
	bool eof;          /* the end was seen */
	bool active, failed;
	unsigned out; /* requests in flight, extents and opens included */
	/* by offset */
	struct oe_copy_chunk *first, *last;
	/* to be read again; read, to be written */
	struct oe_copy_chunk *retry, *waiting;
	/* data extents of the source */
	bool sparse, x_asked, x_last;
	struct oe_sftp_extent *x;
	size_t x_n, x_cap, x_at;
	uint64_t x_known;
	struct oe_sftp_op x_op;
	struct oe_copy_verify *verify; /* copy_verify.c */
};

struct oe_copy_chunk {
	struct oe_sftp_op op;
	struct oe_copy_chunk *prev, *next; /* by offset */
	struct oe_copy_chunk *link;        /* of the list it waits in */
	struct oe_copy_large *l;
	struct oe_copy_lane *from, *to;
	uint64_t offset;
	size_t len, got;
	size_t zeros; /* the last so many of got are zeros not written yet */
	bool probe;   /* behind the end that is known */
	uint8_t *buf; /* remote to remote */
	size_t cap;
};

/** oe_copy__large() - the step that begins a file in chunks. */
oe_copy_step oe_copy__large;
/** oe_copy__data() - both files are open: the step that moves the bytes. */
oe_copy_step oe_copy__data;
/** oe_copy__large_busy() - something of it is in flight. */
bool oe_copy__large_busy(const struct oe_copy_job *j);
/** oe_copy__large_free() - close what it has open; nothing may be out. */
void oe_copy__large_free(struct oe_copy_job *j);
/** oe_copy__placed() - @n bytes need not be moved: holes. */
void oe_copy__placed(struct oe_copy_job *j, uint64_t n);

/* --- copy_chunk.c --- */

/** oe_copy__chunks() - issue what may be; true: it did something. */
bool oe_copy__chunks(struct oe_sftp_copy *c);
void oe_copy__chunk_free(struct oe_copy_chunk *ch);

/* --- copy_sparse.c --- */

/**
 * oe_copy__range() - the next bytes to be moved, from l->next_at on; what is
 * a hole or the same already is passed over.
 * Return: bytes; 0: none now (asked for extents, or all were asked for).
 */
size_t oe_copy__range(struct oe_copy_large *l, size_t max, bool *ret_probe);
/** oe_copy__zeros() - @p holds nothing else. */
bool oe_copy__zeros(const uint8_t *p, size_t n);

/* --- copy_resume.c --- */

/** oe_copy__resume() - the step that looks for what is there already. */
oe_copy_step oe_copy__resume;
/** oe_copy__first_extent() - how far a local part file has no hole. */
void oe_copy__first_extent(struct oe_copy_job *j);

/* --- copy_verify.c --- */

/** oe_copy__verify() - the step that compares both sides; then _finish(). */
oe_copy_step oe_copy__verify;
void oe_copy__verify_free(struct oe_copy_verify *v);
