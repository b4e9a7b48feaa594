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

enum oe_app__complete
oe_app__complete_operand(const struct oe_command *c, struct oe_strs *ret_words)
{
	struct oe_strs first = {NULL, 0};
	enum oe_app__complete what = OE_COMPLETE_FILES;

	oe_strs_split(&first, c->operands, ' ');
	if (!first.n)
		what = OE_COMPLETE_NOTHING;
	else if (strstr(first.v[0], "peer"))
		what = OE_COMPLETE_PEERS;
	else if (strstr(first.v[0], "COMMAND"))
		what = OE_COMPLETE_COMMANDS;
	else if (strchr(first.v[0], '|')) {
		what = OE_COMPLETE_WORDS;
		oe_strs_split(ret_words, first.v[0], '|');
	}
	oe_strs_done(&first);
	return what;
}
