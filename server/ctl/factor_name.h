/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name that a device gives a factor, in the label that the relay keeps: sealed to the device
 * itself, padded, so that the relay learns neither the name nor its length, and the account's
 * other devices not the name.
 *
 *   label = sealed box to the device's X25519 key of FACTOR_NAME_PLAIN bytes: name, zeros
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/bytes.h"

struct device_state;

enum {
    FACTOR_NAME_MAX = 64,  /* bytes of UTF-8 */
    FACTOR_NAME_PLAIN = 80 /* bytes that are sealed: room for a name and its end */
};

/* Say whether text can be a name: 1 to FACTOR_NAME_MAX bytes without controls and colons. */
bool factor_name_is_valid(struct bytes text);

/* The label of a valid name, as JSON.  NULL: the device's own key is damaged. */
json_t *factor_name_seal(const struct device_state *state, struct bytes name);

/* Open a factor's label into out; false when it was made for another device, or by a stranger. */
bool factor_name_open(const struct device_state *state, const json_t *label,
                      char out[FACTOR_NAME_MAX + 1]);
