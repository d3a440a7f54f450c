/* SPDX-License-Identifier: Apache-2.0 */
/* What enrolling a factor of any kind has in common. */
#pragma once

#include <jansson.h>

#include "server/ctl/exit_code.h"

struct arguments;
struct device;

/* Judge the options, open the device and run with it. */
typedef enum exit_code factor_add_fn(struct device *device, const struct arguments *arguments);
enum exit_code factor_add(const struct arguments *arguments, factor_add_fn *run);

/*
 * Enrol by what the relay wants of the kind (stolen), with the name that --name gives, and let
 * then have what it shows once: enrolled has a "factor_id", and is borrowed.
 */
typedef enum exit_code factor_enrolled_fn(void *arg, struct device *device,
                                          const struct arguments *arguments,
                                          const json_t *enrolled);
enum exit_code factor_enrol(struct device *device, const struct arguments *arguments,
                            json_t *wanted, factor_enrolled_fn *then, void *arg);

/* Say that a factor is confirmed now. */
void factor_say_confirmed(const struct arguments *arguments, const char *factor_id);
