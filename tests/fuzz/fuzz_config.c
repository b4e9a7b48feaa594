/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - a config file of any bytes gives values or one error.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/app/sample.h"
#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = oe_mem_strndup((const char *)data, size);
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v = NULL;
	int r;

	if (oe_app__values_new(&sample_command, &v, &err) < 0)
		abort();
	r = oe_app__config_text(
	    &sample_set, "fuzz.conf", text, OE_SOURCE_USER_FILE, v, &err);
	if (r == 0)
		r = oe_app__values_close(v, OE_SOURCE_USER_FILE, &err);
	if (r != 0 && (r != OE_ECONF || !err.msg[0]))
		abort();
	oe_values_free(&v);
	free(text);
	return 0;
}
