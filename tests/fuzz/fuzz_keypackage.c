/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one bare KeyPackage.  What is valid is so again, has the reference of its
 * bytes, borrows from them alone, and is no longer valid with a byte more.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/keypackage.h"
#include "common/mem.h"
#include "common/mlssuite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of its own, so that the sanitizer sees a read of one byte too many. */
static uint8_t *copy_of(const uint8_t *data, size_t size, size_t room)
{
    uint8_t *copy = mem_raw(room);

    memset(copy, 0, room);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

static void expect_consistent(const struct keypackage *read, struct bytes input)
{
    struct mls_reference again;

    keypackage_reference(read->suite, input, &again);
    CHECK(memcmp(&again, &read->reference, sizeof again) == 0);
    if (!read->is_verified) {
        CHECK(read->init_key.size == 0 && read->not_after == 0 && !read->is_last_resort);
        return;
    }
    CHECK(read->init_key.size == mlssuite_verified_kem_bytes(read->suite));
    CHECK(read->init_key.at > input.at &&
          read->init_key.at + read->init_key.size < input.at + input.size);
    CHECK(read->not_before <= read->not_after);
    CHECK(crypto_point_is_valid(read->signature_key));
    uint8_t *longer = copy_of(input.at, input.size, input.size + 1);
    struct keypackage unused;
    CHECK(keypackage_read(bytes_of(longer, input.size + 1), &unused) != KEYPACKAGE_VALID);
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct keypackage read;

    started = started || crypto_start();
    CHECK(started);
    uint8_t *copy = copy_of(data, size, size);
    enum keypackage_verdict verdict = keypackage_read(bytes_of(copy, size), &read);
    CHECK(verdict <= KEYPACKAGE_SIGNATURE);
    CHECK(strlen(keypackage_verdict_text(verdict)) > 0);
    if (verdict == KEYPACKAGE_VALID) {
        expect_consistent(&read, bytes_of(copy, size));
    }
    free(copy);
    return 0;
}
