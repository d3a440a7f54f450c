/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings of handles as devices sign them. */
#pragma once

#include <stdint.h>

#include "common/buf.h"
#include "tests/support/people.h"

/* Append a binding of name to the person's account, signed by its device device_id. */
void binding_sign(struct buf *out, struct person *person, uint32_t device_id, const char *name,
                  int64_t seq);
