/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a binding of a handle.  What is read must come out of the writer as it went in. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/handle.h"
#include "common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_raw(size); /* of its own, so that a read of one byte too many is seen */
    struct handle_binding binding;
    struct handle handle;
    struct buf again = { 0 };

    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (handle_read(bytes_of(copy, size), &handle)) {
        CHECK(strlen(handle.text) == size);
    }
    if (handle_binding_read(bytes_of(copy, size), &binding)) {
        handle_append_signed(&again, &binding.handle, binding.seq, &binding.account_id);
        CHECK(bytes_equal(buf_view(&again), binding.message));
        buf_append_u32(&again, binding.device_id);
        buf_append(&again, bytes_of(binding.signature, sizeof binding.signature));
        CHECK(bytes_equal(buf_view(&again), bytes_of(copy, size)));
    }
    buf_clear(&again);
    free(copy);
    return 0;
}
