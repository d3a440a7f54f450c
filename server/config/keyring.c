/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/config/fault.h"
#include "server/config/key_dir.h"
#include "server/config/key_file.h"

enum {
    KEY_MODE = 0400,
    KEY_TEXT_BYTES = 128
};

/* A block of its own for each key: growing an array would leave copies behind. */
struct key_node {
    struct key_node *next;
    struct key_file file;
};

struct keyring {
    struct key_node *first;
};

static void keyring_add(struct keyring *keyring, const struct key_file *file)
{
    struct key_node *node = mem_zeroed(1, sizeof *node);

    node->file = *file;
    node->next = keyring->first;
    keyring->first = node;
}

static bool read_key(int dir, const char *path, const char *name, struct keyring *keyring,
                     const struct fault *fault)
{
    struct key_file file = { 0 };
    struct buf text = { 0 };
    bool good = false;

    if (!key_file_read_name(name, &file)) {
        return true; /* the heartbeat, a draft, or a key for a newer version */
    }
    if (key_dir_read(dir, path, name, KEY_MODE, &text, fault)) {
        good = key_file_read(buf_view(&text), &file);
        if (good) {
            keyring_add(keyring, &file);
        } else {
            (void)fault_say(fault,
                            "%s/%s: this is no key file, or it is damaged; put it back from your "
                            "copy of the keys",
                            path, name);
        }
    }
    if (text.room > 0) {
        mem_wipe(text.at, text.room);
    }
    buf_clear(&text);
    mem_wipe(&file, sizeof file);
    return good;
}

static bool read_keys(int dir, const char *path, struct keyring *keyring, const struct fault *fault)
{
    struct dirent **entries = NULL;
    int count = scandirat(dir, ".", &entries, NULL, alphasort);
    bool good = count >= 0;

    if (!good) {
        (void)fault_say(fault, "%s: cannot be listed (%s)", path, fault_reason(errno));
    }
    for (int i = 0; i < count; i++) {
        good = good && read_key(dir, path, entries[i]->d_name, keyring, fault);
        free(entries[i]);
    }
    free(entries);
    return good;
}

static const struct key_file *newest(const struct keyring *keyring, enum keyring_purpose purpose)
{
    const struct key_file *found = NULL;

    for (const struct key_node *node = keyring->first; node != NULL; node = node->next) {
        if (node->file.purpose == purpose && (found == NULL || node->file.id > found->id)) {
            found = &node->file;
        }
    }
    return found;
}

static bool make_key(int dir, const char *path, enum keyring_purpose purpose,
                     struct keyring *keyring, const struct fault *fault)
{
    struct key_file file = { .purpose = purpose, .id = 1 };
    char name[KEY_FILE_NAME_BYTES];
    struct buf text = { 0 };
    bool good = false;

    random_fill(file.key, sizeof file.key);
    key_file_print_name(&file, name);
    buf_reserve(&text, KEY_TEXT_BYTES);
    key_file_print(&file, &text);
    good = key_dir_write(dir, name, KEY_MODE, buf_view(&text), KEY_DIR_NEW);
    if (good) {
        keyring_add(keyring, &file);
        log_info("key.made", "purpose=%s", key_file_purpose(purpose));
    } else {
        (void)fault_say(fault, "%s/%s: cannot be written (%s); make room, or check permissions",
                        path, name, fault_reason(errno));
    }
    mem_wipe(text.at, text.room);
    buf_clear(&text);
    mem_wipe(&file, sizeof file);
    return good;
}

static bool complete(int dir, const char *path, bool create, struct keyring *keyring,
                     const struct fault *fault)
{
    for (int i = 0; i < KEYRING_PURPOSES; i++) {
        enum keyring_purpose purpose = (enum keyring_purpose)i;
        if (newest(keyring, purpose) != NULL) {
            continue;
        }
        if (!create) {
            return fault_say(fault,
                             "%s: there is no %s key; put the key files back from your copy of "
                             "them",
                             path, key_file_purpose(purpose));
        }
        if (!make_key(dir, path, purpose, keyring, fault)) {
            return false;
        }
    }
    return true;
}

struct keyring *keyring_open(const char *dir, bool create, char *out_error, size_t error_size)
{
    struct keyring *keyring = NULL;
    struct fault fault;
    int fd = -1;

    fault_init(&fault, out_error, error_size);
    fd = key_dir_open(dir, create, &fault);
    if (fd < 0) {
        return NULL;
    }
    keyring = mem_zeroed(1, sizeof *keyring);
    if (!read_keys(fd, dir, keyring, &fault) || !complete(fd, dir, create, keyring, &fault)) {
        keyring_destroy(keyring);
        keyring = NULL;
    }
    (void)close(fd);
    return keyring;
}

void keyring_destroy(struct keyring *keyring)
{
    if (keyring == NULL) {
        return;
    }
    while (keyring->first != NULL) {
        struct key_node *node = keyring->first;
        keyring->first = node->next;
        mem_wipe(node, sizeof *node);
        free(node);
    }
    free(keyring);
}

void keyring_current(const struct keyring *keyring, enum keyring_purpose purpose, uint32_t *out_id,
                     uint8_t out_key[KEYRING_KEY_BYTES])
{
    const struct key_file *file = newest(keyring, purpose);

    CHECK(file != NULL); /* keyring_open made sure */
    *out_id = file->id;
    memcpy(out_key, file->key, sizeof file->key);
}

bool keyring_find(const struct keyring *keyring, enum keyring_purpose purpose, uint32_t id,
                  uint8_t out_key[KEYRING_KEY_BYTES])
{

    for (const struct key_node *node = keyring->first; node != NULL; node = node->next) {
        if (node->file.purpose == purpose && node->file.id == id) {
            memcpy(out_key, node->file.key, sizeof node->file.key);
            return true;
        }
    }
    return false;
}

bool keyring_next(const struct keyring *keyring, enum keyring_purpose purpose, uint32_t after,
                  uint32_t *out_id, uint8_t out_key[KEYRING_KEY_BYTES])
{
    const struct key_file *found = NULL;

    for (const struct key_node *node = keyring->first; node != NULL; node = node->next) {
        if (node->file.purpose == purpose && node->file.id > after &&
            (found == NULL || node->file.id < found->id)) {
            found = &node->file;
        }
    }
    if (found == NULL) {
        return false;
    }
    *out_id = found->id;
    memcpy(out_key, found->key, sizeof found->key);
    return true;
}
