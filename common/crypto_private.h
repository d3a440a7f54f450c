/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of crypto know of each other. */
#pragma once

#include <stdbool.h>

/* Say whether libsodium refuses mixed-order points, as it must. */
bool crypto_point_check_works(void);

/*
 * End the process as common/mem.h does when a call did not work that nothing which
 * a peer sends can make fail: what is left is a lack of memory.
 */
void crypto_need(bool worked);
