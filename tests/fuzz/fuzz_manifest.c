/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: two signed manifests, the first with its length before it (u16), so that
 * the fuzzer can bring any pair: one as the first of its account, one as its
 * successor.  What parses must come out of the writer as it went in.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_known(enum manifest_verdict verdict)
{
    CHECK(verdict <= MANIFEST_RULE_7_RECOVERY);
    CHECK(strlen(manifest_verdict_text(verdict)) > 0);
}

static void expect_same_bytes(const struct manifest *manifest)
{
    struct buf again = { .at = NULL };
    static const struct account_id none;

    if (manifest->epoch != 0 || memcmp(&manifest->account, &none, sizeof none) != 0) {
        manifest_build_body(manifest, &again);
        CHECK(bytes_equal(buf_view(&again), manifest->body));
        manifest_append_signatures(&again, manifest->signatures, manifest->signature_count);
        CHECK(bytes_equal(buf_view(&again), manifest->signed_bytes));
    }
    buf_clear(&again);
}

/* A copy of its own, so that the sanitizer sees a read of one byte too many. */
static bool parse(struct bytes input, uint8_t **out_copy, struct manifest *out)
{
    *out_copy = mem_raw(input.size);
    if (input.size > 0) {
        memcpy(*out_copy, input.at, input.size);
    }
    if (manifest_parse(bytes_of(*out_copy, input.size), out) != MANIFEST_VALID) {
        return false;
    }
    expect_same_bytes(out);
    expect_known(manifest_check_first(out));
    CHECK(manifest_check_next(out, out) == MANIFEST_RULE_3_CHAIN);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct manifest old;
    static struct manifest next;
    static bool started;
    struct wire wire = wire_of(bytes_of(data, size));
    uint8_t *old_copy = NULL;
    uint8_t *next_copy = NULL;

    started = started || crypto_start();
    CHECK(started);
    struct bytes first = wire_bytes(&wire, wire_u16(&wire));
    bool has_old = parse(first, &old_copy, &old);
    bool has_next = parse(wire_bytes(&wire, wire.left), &next_copy, &next);
    if (has_old && has_next) {
        expect_known(manifest_check_next(&old, &next));
        expect_known(manifest_check_next(&next, &old));
    }
    free(old_copy);
    free(next_copy);
    return 0;
}
