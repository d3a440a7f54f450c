/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public Kyber1024 keys that another program made, for a device to publish.  The file is JSON, keys
 * by slot as PUT /v1/keys takes them, each with a signature or to be signed here:
 *
 *   {"signal.one-time-kyber": [{"id": 1, "key": "CA..."}, {"id": 2, "key": "CA...",
 *    "signature": "..."}], "signal.last-kyber": [{"id": 9, "key": "CA..."}]}
 *
 * Their secrets stay with that program.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/bytes.h"

struct device_state;
struct prekeys;

/*
 * Check the text of such a file and sign for the device what is not signed: *out_slots gets the
 * uploads by slot, the caller's to decref.  False, with the reason said, when a key has a bad form,
 * an id comes twice or a signature does not hold.  The device has an identity.  name is for what
 * is said.
 */
bool kyber_file_parse(struct bytes text, const char *name, const struct device_state *state,
                      json_t **out_slots);

/* Read and check the file at path. */
bool kyber_file_read(const char *path, const struct device_state *state, json_t **out_slots);

/* Note them, see prekeys_note.  False, with the reason said, when an id is another key's. */
bool kyber_file_note(const json_t *slots, bool moved, struct prekeys *prekeys);
