/* SPDX-License-Identifier: Apache-2.0 */
/* A page of an account's chain, as JSON.  Loop thread. */
#pragma once

#include <jansson.h>

struct account_id;
struct manifests_page;

json_t *manifests_json(const struct account_id *account_id, const struct manifests_page *page);
