/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/app/internal.h"

enum oe_app__complete
oe_app__complete_param(const struct oe_param *p)
{
	if (p->flags & OE_PARAM_PEER)
		return OE_COMPLETE_PEERS;
	if (p->flags & OE_PARAM_USER)
		return OE_COMPLETE_USERS;
	if (p->type == OE_PARAM_PATH)
		return OE_COMPLETE_FILES;
	return p->type == OE_PARAM_CHOICE ? OE_COMPLETE_WORDS
					  : OE_COMPLETE_NOTHING;
}

/* "ls|stop|PEER": what is in capitals stands for something else. */
static enum oe_app__complete
alternatives(const char *word, struct oe_strs *ret_words)
{
	bool peers = strstr(word, "PEER") != NULL;
	struct oe_strs all = {NULL, 0};
	size_t i;

	oe_strs_split(&all, word + (*word == '['), '|');
	for (i = 0; i < all.n; i++)
		if (all.v[i][0] >= 'a' && all.v[i][0] <= 'z')
			oe_strs_add(ret_words, all.v[i]);
	oe_strs_done(&all);
	if (!ret_words->n)
		return peers ? OE_COMPLETE_PEERS : OE_COMPLETE_NOTHING;
	return peers ? OE_COMPLETE_WORDS_PEERS : OE_COMPLETE_WORDS;
}

static enum oe_app__complete
judge(const char *word, struct oe_strs *ret_words)
{
	if (strchr(word, '|') && !strstr(word, "FILE"))
		return alternatives(word, ret_words);
	if (strstr(word, "peer"))
		return OE_COMPLETE_PEERS;
	if (strstr(word, "host:"))
		return OE_COMPLETE_PLACES;
	/* several are a command of another machine */
	if (strstr(word, "COMMAND") && !strstr(word, "..."))
		return OE_COMPLETE_COMMANDS;
	if (strstr(word, "NAME") || strstr(word, "PORT"))
		return OE_COMPLETE_NOTHING;
	return OE_COMPLETE_FILES;
}

enum oe_app__complete
oe_app__complete_operand(
    const struct oe_command *c, bool first, struct oe_strs *ret_words)
{
	struct oe_strs all = {NULL, 0};
	enum oe_app__complete what = OE_COMPLETE_NOTHING;

	oe_strs_split(&all, c->operands, ' ');
	if (all.n)
		what = judge(all.v[!first && all.n > 1], ret_words);
	oe_strs_done(&all);
	return what;
}
