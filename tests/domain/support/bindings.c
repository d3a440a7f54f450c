/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/bindings.h"

#include <stdio.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/handle.h"

void binding_sign(struct buf *out, struct person *person, uint32_t device_id, const char *name,
                  int64_t seq)
{
    size_t before = out->size;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct handle handle = { .text = "" };

    (void)snprintf(handle.text, sizeof handle.text, "%s", name);
    handle_append_signed(out, &handle, seq, &person->account_id);
    crypto_make_signature(person_device(person, device_id)->seed,
                          bytes_of(out->at + before, out->size - before), signature);
    buf_append_u32(out, device_id);
    buf_append(out, bytes_of(signature, sizeof signature));
}
