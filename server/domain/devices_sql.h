/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of devices and left_devices, as manifests and erasures write them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "common/manifest.h"
#include "server/domain/left.h"

struct store_batch;
struct store_rows;

/*
 * Expect that the key stands in no account and left none, and put the device in
 * the account, which may have been put by the same batch.
 */
void devices_sql_insert(struct store_batch *batch, const struct account_id *account_id,
                        const struct manifest_device *device, const struct left_hash *hash,
                        int64_t day);

/* Ask whether a key stands in an account or left one: rows when it does. */
void devices_sql_ask_used(struct store_batch *batch, const struct device_pub *pub,
                          const struct left_hash *hash);

/* Ask for the devices of an account. */
void devices_sql_ask_all(struct store_batch *batch, const struct account_id *account_id);

struct devices_row {
    int64_t mailbox;
    uint32_t device_id;
    struct device_pub pub;
    uint8_t flags; /* MANIFEST_DEVICE_... */
};
bool devices_sql_next(struct store_rows *rows, struct devices_row *out);

/* Note that a key left account (0: an erased one). */
void devices_sql_leave(struct store_batch *batch, const struct left_hash *hash, int64_t account);

/* Delete a device with all that waits in its mailbox, and its public keys. */
void devices_sql_remove(struct store_batch *batch, int64_t mailbox);

/* Set a device's flags. */
void devices_sql_set_flags(struct store_batch *batch, int64_t mailbox, uint8_t flags);

/* Make the keys that left account those of an erased one. */
void devices_sql_detach_left(struct store_batch *batch, int64_t account);
