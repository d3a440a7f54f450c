/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/key_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/check.h"

enum {
    ID_MAX_DIGITS = 10,
    HEAD_BYTES = 64
};

static const char *const purposes[KEYRING_PURPOSES] = {
    [KEYRING_CHALLENGE] = "challenge", [KEYRING_INDEX] = "index",   [KEYRING_TAG] = "tag",
    [KEYRING_SEAL] = "seal",           [KEYRING_OPAQUE] = "opaque",
};

const char *key_file_purpose(enum keyring_purpose purpose)
{
    CHECK(purpose < KEYRING_PURPOSES);
    return purposes[purpose];
}

/* Read "<id>.key" without leading zeros. */
static bool read_id(const char *text, uint32_t *out_id)
{
    uint64_t id = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > ID_MAX_DIGITS || text[0] == '0' ||
        strcmp(text + digits, ".key") != 0) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        id = id * 10 + (uint64_t)(text[i] - '0');
    }
    *out_id = (uint32_t)id;
    return id <= UINT32_MAX;
}

bool key_file_read_name(const char *name, struct key_file *out)
{
    for (int purpose = 0; purpose < KEYRING_PURPOSES; purpose++) {
        size_t size = strlen(purposes[purpose]);
        if (strncmp(name, purposes[purpose], size) == 0 && name[size] == '-') {
            out->purpose = (enum keyring_purpose)purpose;
            return read_id(name + size + 1, &out->id);
        }
    }
    return false;
}

void key_file_print_name(const struct key_file *file, char out[KEY_FILE_NAME_BYTES])
{
    (void)snprintf(out, KEY_FILE_NAME_BYTES, "%s-%" PRIu32 ".key", purposes[file->purpose],
                   file->id);
}

/* What stands before the key, with a space at its end. */
static void print_head(const struct key_file *file, char out[HEAD_BYTES])
{
    (void)snprintf(out, HEAD_BYTES, "sealpost-key 1 %s %" PRIu32 " ", purposes[file->purpose],
                   file->id);
}

bool key_file_read(struct bytes text, struct key_file *file)
{
    char head[HEAD_BYTES];
    size_t head_size = 0;

    print_head(file, head);
    head_size = strlen(head);
    if (text.size < head_size + 1 || memcmp(text.at, head, head_size) != 0 ||
        text.at[text.size - 1] != '\n') {
        return false;
    }
    return base64url_decode_exact(bytes_of(text.at + head_size, text.size - head_size - 1),
                                  file->key, sizeof file->key);
}

void key_file_print(const struct key_file *file, struct buf *out)
{
    char head[HEAD_BYTES];

    print_head(file, head);
    buf_append_text(out, head);
    base64url_encode(bytes_of(file->key, sizeof file->key), out);
    buf_append_u8(out, '\n');
}
