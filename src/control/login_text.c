/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people type to log in.
 */
#include <string.h>

#include "control/login.h"

#include "core/base/str.h"

bool
oe_ctl_user_code_read(const char *typed, char *ret)
{
	size_t n = 0;
	char c;

	for (; *typed; typed++) {
		if (*typed == '-' || *typed == ' ')
			continue;
		c = *typed >= 'a' && *typed <= 'z' ? (char)(*typed - 'a' + 'A')
						   : *typed;
		if (n == OE_CTL_USER_CODE_LEN ||
		    !strchr(OE_CTL_USER_CODE_LETTERS, c))
			return false;
		ret[n++] = c;
	}
	ret[n] = '\0';
	return n == OE_CTL_USER_CODE_LEN;
}

bool
oe_ctl_email_read(const char *typed, char ret[256])
{
	size_t n;
	char *s;

	while (*typed == ' ')
		typed++;
	n = strlen(typed);
	while (n > 0 && typed[n - 1] == ' ')
		n--;
	if (n < 3 || n > 254)
		return false;
	memcpy(ret, typed, n);
	ret[n] = '\0';
	for (s = ret; *s; s++) {
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return false;
	}
	oe_str_lower(ret);
	s = strchr(ret, '@');
	return s && s != ret && s[1] && !strchr(s + 1, '@');
}
