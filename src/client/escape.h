/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/escape.h - "~." and friends in what the user types.
 *
 * Pure: bytes in, bytes out, an action for each command.  An escape counts
 * only at the start of a line (after CR or LF, and at the very beginning),
 * as in ssh(1) "ESCAPE CHARACTERS".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OE_ESCAPE_NONE (-1)
#define OE_ESCAPE_BAD  (-2)

enum oe_escape_act {
	OE_ESCAPE_DISCONNECT, /* ~. */
	OE_ESCAPE_SUSPEND,    /* ~^Z */
	OE_ESCAPE_HELP,       /* ~? */
	OE_ESCAPE_LIST,       /* ~# */
	OE_ESCAPE_COMMAND,    /* ~C */
	OE_ESCAPE_BREAK,      /* ~B */
	OE_ESCAPE_REKEY,      /* ~R */
	OE_ESCAPE_LOUDER,     /* ~v */
	OE_ESCAPE_QUIETER,    /* ~V */
	OE_ESCAPE_COUNT
};

struct oe_escape {
	int ch;           /* the escape character, or OE_ESCAPE_NONE */
	bool bol;         /* at the beginning of a line */
	bool held;        /* an escape character waits for what follows */
	uint8_t carry[2]; /* output that found no room last time */
	size_t ncarry;
	void (*act)(void *arg, enum oe_escape_act what);
	bool (*line)(void *arg, uint8_t c); /* see oe_escape_ask() */
	void *arg;
};

/** oe_escape_parse() - "~", "^X", "none"; OE_ESCAPE_NONE or _BAD too. */
int oe_escape_parse(const char *text);
/** oe_escape_init() - at the beginning of a line. */
void oe_escape_init(struct oe_escape *e, int ch,
    void (*act)(void *arg, enum oe_escape_act what), void *arg);
/**
 * oe_escape_filter() - take commands out of @n typed bytes, in place.
 * @cap: room at @p, at least @n.  The output may be up to two bytes longer
 *       than the input; what finds no room comes with the next call.
 * Return: the new length.
 */
size_t oe_escape_filter(struct oe_escape *e, uint8_t *p, size_t n, size_t cap);
/**
 * oe_escape_ask() - from act(): the bytes typed from now on are no output but
 * go to @line, until it returns false; then a line begins.
 */
void oe_escape_ask(struct oe_escape *e, bool (*line)(void *arg, uint8_t c));
/** oe_escape_text() - the character as text, "~" or "^X". */
void oe_escape_text(int ch, char ret[3]);
