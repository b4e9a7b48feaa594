/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/cpu.h"

#include <sys/auxv.h>

bool
oe_cpu_has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes");
#elif defined(__aarch64__)
	return getauxval(AT_HWCAP) & (1ul << 3); /* HWCAP_AES */
#else
	return true;
#endif
}
