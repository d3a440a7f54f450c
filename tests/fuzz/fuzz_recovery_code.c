/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a typed code.  What is read, and then written, is read as the same code. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/recovery_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_raw(size); /* of its own, so that a read of one byte too many is seen */
    char text[RECOVERY_CODE_TEXT_CHARS + 1];
    struct recovery_code code;
    struct recovery_code again;

    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (recovery_code_read(bytes_of(copy, size), &code)) {
        CHECK(size >= RECOVERY_CODE_CHARS && size <= RECOVERY_CODE_TYPED_MAX);
        recovery_code_write(&code, text);
        CHECK(recovery_code_read(bytes_text(text), &again));
        CHECK(memcmp(code.raw, again.raw, sizeof code.raw) == 0);
    }
    free(copy);
    return 0;
}
