/* SPDX-License-Identifier: Apache-2.0 */
/* How the reference device stretches an account's password (opaque_client.h). */
#pragma once

#include "common/opaque_client.h"

/* Three passes over 64 MiB: the second choice of RFC 9106, section 4, but for one lane. */
static const struct opaque_stretch factor_password_stretch = { .passes = 3, .memory_kib = 65536 };
