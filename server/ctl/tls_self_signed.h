/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for trying out, made by the relay's operator. */
#pragma once

#include "server/ctl/exit_code.h"

struct arguments;

/* Write certificate and key, and say which options of the relay name them. */
enum exit_code tls_self_signed_run(const struct arguments *arguments);
