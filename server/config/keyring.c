/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
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

static bool make_key(int dir, const char *path, const struct key_file *what,
                     struct keyring *keyring, const struct fault *fault)
{
    struct key_file file = *what;
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
        log_info("key.made", "purpose=%s id=%u", key_file_purpose(file.purpose), file.id);
    } else if (errno == EROFS || errno == EACCES || errno == EPERM) {
        (void)fault_say(
            fault,
            "%s/%s: cannot be written (%s): where the key directory is made by something"
            " else, let that put a file of this name there, with the line"
            " \"sealpost-key 1 %s %u KEY\" (32 random bytes as base64url), then reload",
            path, name, fault_reason(errno), key_file_purpose(file.purpose), file.id);
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
        const struct key_file first = { .purpose = purpose, .id = 1 };
        if (!make_key(dir, path, &first, keyring, fault)) {
            return false;
        }
    }
    return true;
}

static struct keyring *open_dir(const char *dir, bool create, bool whole, const struct fault *fault)
{
    struct keyring *keyring = NULL;
    int fd = key_dir_open(dir, create, fault);

    if (fd < 0) {
        return NULL;
    }
    keyring = mem_zeroed(1, sizeof *keyring);
    if (!read_keys(fd, dir, keyring, fault) ||
        (whole && !complete(fd, dir, create, keyring, fault))) {
        keyring_destroy(keyring);
        keyring = NULL;
    }
    (void)close(fd);
    return keyring;
}

struct keyring *keyring_open(const char *dir, bool create, char *out_error, size_t error_size)
{
    struct fault fault;

    fault_init(&fault, out_error, error_size);
    return open_dir(dir, create, true, &fault);
}

struct keyring *keyring_read(const char *dir, bool create, char *out_error, size_t error_size)
{
    struct fault fault;

    fault_init(&fault, out_error, error_size);
    return open_dir(dir, create, false, &fault);
}

bool keyring_make(struct keyring *keyring, const char *dir, enum keyring_purpose purpose,
                  uint32_t id, char *out_error, size_t error_size)
{
    const struct key_file what = { .purpose = purpose, .id = id };
    struct fault fault;
    bool good = false;
    int fd = -1;

    fault_init(&fault, out_error, error_size);
    fd = key_dir_open(dir, false, &fault);
    if (fd >= 0) {
        good = make_key(fd, dir, &what, keyring, &fault);
        (void)close(fd);
    }
    return good;
}

void keyring_put(struct keyring *keyring, enum keyring_purpose purpose, uint32_t id,
                 const uint8_t key[KEYRING_KEY_BYTES])
{
    struct key_file file = { .purpose = purpose, .id = id };

    memcpy(file.key, key, sizeof file.key);
    keyring_add(keyring, &file);
    mem_wipe(&file, sizeof file);
}

static void node_destroy(struct key_node *node)
{
    mem_wipe(node, sizeof *node);
    free(node);
}

void keyring_drop(struct keyring *keyring, enum keyring_purpose purpose, uint32_t id)
{
    for (struct key_node **link = &keyring->first; *link != NULL; link = &(*link)->next) {
        struct key_node *node = *link;
        if (node->file.purpose == purpose && node->file.id == id) {
            *link = node->next;
            node_destroy(node);
            return;
        }
    }
}

bool keyring_delete_file(const char *dir, enum keyring_purpose purpose, uint32_t id,
                         char *out_error, size_t error_size)
{
    const struct key_file what = { .purpose = purpose, .id = id };
    char name[KEY_FILE_NAME_BYTES];
    struct fault fault;
    bool good = false;
    int fd = -1;

    fault_init(&fault, out_error, error_size);
    key_file_print_name(&what, name);
    fd = key_dir_open(dir, false, &fault);
    if (fd < 0) {
        return false;
    }
    good = (unlinkat(fd, name, 0) == 0 || errno == ENOENT) && fsync(fd) == 0;
    if (!good) {
        (void)fault_say(&fault, "%s/%s: cannot be deleted (%s); delete it yourself", dir, name,
                        fault_reason(errno));
    }
    (void)close(fd);
    return good;
}

const char *keyring_word(enum keyring_purpose purpose)
{
    return key_file_purpose(purpose);
}

bool keyring_purpose_of(const char *word, enum keyring_purpose *out)
{
    for (int i = 0; i < KEYRING_PURPOSES; i++) {
        if (strcmp(word, key_file_purpose((enum keyring_purpose)i)) == 0) {
            *out = (enum keyring_purpose)i;
            return true;
        }
    }
    return false;
}

const char *keyring_why_fixed(enum keyring_purpose purpose)
{
    /* Whatever is not named here cannot be changed either. */
    static const char *const whys[KEYRING_PURPOSES] = {
        [KEYRING_CHALLENGE] = "",
        [KEYRING_INDEX] = ("handles, recovery codes and what left are found by hashes made with it,"
                           " and cannot be hashed again without what they are of"),
        [KEYRING_TAG] = "repeats of envelopes that wait are known by fingerprints made with it",
        [KEYRING_SEAL] = "",
        [KEYRING_OPAQUE] = "each password was registered with it, and is right with no other",
    };
    const char *why = whys[purpose];

    if (why == NULL) {
        return "what is stored was made with it, and cannot be made again";
    }
    return why[0] == '\0' ? NULL : why;
}

void keyring_fingerprint(const struct keyring *keyring, enum keyring_purpose purpose, uint32_t id,
                         uint8_t out[KEYRING_FINGERPRINT_BYTES])
{
    static const char label[] = "sealpost/key-fingerprint/1"; /* its NUL is part of it */
    const struct bytes parts[] = { bytes_of(label, sizeof label),
                                   bytes_text(key_file_purpose(purpose)) };
    uint8_t key[KEYRING_KEY_BYTES];
    uint8_t hash[CRYPTO_SHA256_BYTES];

    CHECK(keyring_find(keyring, purpose, id, key));
    crypto_hmac(bytes_of(key, sizeof key), parts, 2, hash);
    memcpy(out, hash, KEYRING_FINGERPRINT_BYTES);
    mem_wipe(key, sizeof key);
}

void keyring_destroy(struct keyring *keyring)
{
    if (keyring == NULL) {
        return;
    }
    while (keyring->first != NULL) {
        struct key_node *node = keyring->first;
        keyring->first = node->next;
        node_destroy(node);
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
