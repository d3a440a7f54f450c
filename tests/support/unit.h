/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the system headers that it wants before it, in their order. */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
