/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a typed recovery key.  What is read, and then written, is read as the same key. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/recovery_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_raw(size); /* of its own, so that a read of one byte too many is seen */
    char text[RECOVERY_KEY_TEXT_CHARS + 1];
    struct recovery_key key;
    struct recovery_key again;

    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (recovery_key_read(bytes_of(copy, size), &key)) {
        CHECK(size >= RECOVERY_KEY_CHARS && size <= RECOVERY_KEY_TYPED_MAX);
        recovery_key_write(&key, text);
        CHECK(recovery_key_read(bytes_text(text), &again));
        CHECK(memcmp(key.raw, again.raw, sizeof key.raw) == 0);
    }
    free(copy);
    return 0;
}
