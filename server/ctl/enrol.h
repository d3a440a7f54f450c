/* SPDX-License-Identifier: Apache-2.0 */
/* Registering a device's account with its relay. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/ctl/exit_code.h"

struct device;

/* Say whether a first manifest is kept from an attempt whose answer was lost. */
bool enrol_is_begun(const struct device *device);

/*
 * Register the device as the first of a new account and begin its session.  invite is "" for
 * none; recovery_seed is NULL for an account without a recovery key, and is not looked at
 * when enrol_is_begun.
 */
enum exit_code enrol_run(struct device *device, const char *invite, const uint8_t *recovery_seed);
