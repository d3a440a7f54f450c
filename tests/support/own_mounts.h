/* SPDX-License-Identifier: Apache-2.0 */
/* A mount namespace of the test's own, so that it may mount what nobody else sees. */
#pragma once

#include <stdbool.h>

/* Enter one: as root, or else inside a user namespace.  false: it is not allowed here. */
bool own_mounts_enter(void);
