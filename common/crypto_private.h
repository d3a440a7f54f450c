/* SPDX-License-Identifier: Apache-2.0 */
/* What crypto.c and crypto_sign.c know of each other. */
#pragma once

#include <stdbool.h>

/* Say whether libsodium refuses mixed-order points, as it must. */
bool crypto_point_check_works(void);
