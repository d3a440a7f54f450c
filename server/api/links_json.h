/* SPDX-License-Identifier: Apache-2.0 */
/* Links as their sides see them. */
#pragma once

#include <jansson.h>

struct links_view;

/* All of a link; or what stands in a list of them. */
json_t *links_json(const struct links_view *view);
json_t *links_json_short(const struct links_view *view);
