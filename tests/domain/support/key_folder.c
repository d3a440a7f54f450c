/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/key_folder.h"

#include <stdio.h>
#include <string.h>

#include "server/domain/reseal.h"

static size_t list(void *arg, struct key_held out[KEY_REGISTER_HELD_MAX])
{
    struct key_folder *folder = arg;

    folder->listed++;
    memcpy(out, folder->held, folder->count * sizeof *out);
    return folder->count;
}

static const char *fixed(void *arg, const char *purpose, bool *out_known)
{
    (void)arg;
    *out_known = strcmp(purpose, "seal") == 0 || strcmp(purpose, "challenge") == 0 ||
                 strcmp(purpose, "index") == 0;
    return strcmp(purpose, "index") == 0 ? "hashes" : NULL;
}

void key_folder_put(struct key_folder *folder, const char *purpose, uint32_t id, uint8_t print)
{
    struct key_held *held = &folder->held[folder->count];

    memset(held, 0, sizeof *held);
    (void)snprintf(held->purpose, sizeof held->purpose, "%s", purpose);
    held->id = id;
    memset(held->fingerprint, print, sizeof held->fingerprint);
    folder->count++;
}

static bool make(void *arg, const char *purpose, uint32_t id, char *out_error, size_t error_size)
{
    struct key_folder *folder = arg;

    if (folder->is_read_only) {
        (void)snprintf(out_error, error_size, "read-only");
        return false;
    }
    key_folder_put(folder, purpose, id, (uint8_t)id);
    return true;
}

void key_folder_use(void *arg, const char *purpose, uint32_t id)
{
    struct key_folder *folder = arg;

    for (size_t i = 0; i < folder->count; i++) {
        struct key_held *held = &folder->held[i];
        if (strcmp(held->purpose, purpose) == 0) {
            held->is_used = held->id == id;
        }
    }
    folder->used = strcmp(purpose, "seal") == 0 ? id : folder->used;
}

static bool drop(void *arg, const char *purpose, uint32_t id, bool deletes, char *out_error,
                 size_t error_size)
{
    struct key_folder *folder = arg;

    for (size_t i = 0; i < folder->count; i++) {
        struct key_held *held = &folder->held[i];
        if (held->id == id && strcmp(held->purpose, purpose) == 0) {
            folder->count--;
            *held = folder->held[folder->count];
            break;
        }
    }
    folder->dropped = id;
    folder->deleted += deletes ? 1 : 0;
    if (deletes && folder->is_read_only) {
        (void)snprintf(out_error, error_size, "read-only");
        return false;
    }
    return true;
}

static void miss(void *arg, const char *purpose, uint32_t id)
{
    struct key_folder *folder = arg;

    (void)purpose;
    (void)id;
    folder->missed++;
}

void key_folder_open(struct temp_domain *temp, struct key_folder *folder)
{
    const struct key_keeper keeper = { folder, list, fixed, make, key_folder_use, drop, miss };

    folder->keys = key_register_create(&temp->domain, &keeper);
    temp->domain.key_register = folder->keys;
    temp->domain.reseal = reseal_create(&temp->domain);
}

void key_folder_close(struct temp_domain *temp, struct key_folder *folder)
{
    key_register_destroy(folder->keys);
    reseal_destroy(temp->domain.reseal);
}
