/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that come to be. */
#pragma once

#include "server/ctl/exit_code.h"

struct arguments;
struct device;

/* Open the device in the folder, or make it there, by --url or --invite, when there is none. */
enum exit_code device_register_open(const struct arguments *arguments, struct device *device);
