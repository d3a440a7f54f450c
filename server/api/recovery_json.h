/* SPDX-License-Identifier: Apache-2.0 */
/* What an account sees of its recovery, as JSON.  Loop thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct recoveries_view;
struct recovery_contacts_view;

/* An array of requests; of recovery contacts. */
json_t *recoveries_json(const struct recoveries_view *views, size_t count);
json_t *recovery_contacts_json(const struct recovery_contacts_view *views, size_t count);

/* One request with its exchange, as who asks and who helps see it. */
json_t *recovery_json(const struct recoveries_view *view);
