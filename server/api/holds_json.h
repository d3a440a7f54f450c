/* SPDX-License-Identifier: Apache-2.0 */
/* What an account holds, as JSON.  Loop thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct hold;

/* An array of count holds, with their manifests; the caller's. */
json_t *holds_json(const struct hold *holds, size_t count);
