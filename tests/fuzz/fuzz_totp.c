/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a typed code.  What is read is below a million, and is read again from six digits. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/totp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_raw(size); /* of its own, so that a read of one byte too many is seen */
    char text[16];
    uint32_t code;
    uint32_t again;

    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (totp_code_read(bytes_of(copy, size), &code)) {
        CHECK(code < TOTP_CODE_BELOW);
        (void)snprintf(text, sizeof text, "%06" PRIu32, code);
        CHECK(totp_code_read(bytes_text(text), &again) && again == code);
    }
    free(copy);
    return 0;
}
