/* SPDX-License-Identifier: Apache-2.0 */
#include "common/handle.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "common/wire.h"

/* The NUL that ends the label is part of it. */
static const char label[] = "sealpost/handle/1";

static_assert(sizeof label + 1 + HANDLE_MAX_BYTES + 8 + ACCOUNT_ID_BYTES + 4 +
                      CRYPTO_SIGNATURE_BYTES ==
                  HANDLE_BINDING_MAX_BYTES,
              "see the format");

static bool is_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '.' ||
           letter == '_' || letter == '-';
}

static char lowered(uint8_t letter)
{
    return (char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
}

bool handle_read(struct bytes text, struct handle *out)
{
    struct handle handle = { .text = "" };

    if (text.size < HANDLE_MIN_BYTES || text.size > HANDLE_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        handle.text[i] = lowered(text.at[i]);
        if (!is_letter(handle.text[i])) {
            return false;
        }
    }
    *out = handle;
    return true;
}

bool handle_binding_read(struct bytes input, struct handle_binding *out)
{
    struct wire wire = wire_of(input);
    struct handle_binding binding;
    struct bytes begin = wire_bytes(&wire, sizeof label);
    struct bytes name = wire_bytes(&wire, wire_u8(&wire));
    uint64_t seq = wire_u64(&wire);
    struct bytes account = wire_bytes(&wire, sizeof binding.account_id.raw);
    uint32_t device_id = wire_u32(&wire);
    struct bytes signature = wire_bytes(&wire, sizeof binding.signature);

    if (!wire_is_done(&wire) || account.at == NULL || signature.at == NULL ||
        !bytes_equal(begin, bytes_of(label, sizeof label)) || !handle_read(name, &binding.handle) ||
        !bytes_equal(name, bytes_text(binding.handle.text)) || seq > (uint64_t)HANDLE_SEQ_MAX) {
        return false;
    }
    binding.seq = (int64_t)seq;
    memcpy(binding.account_id.raw, account.at, account.size);
    binding.device_id = device_id;
    binding.message = bytes_of(input.at, input.size - 4 - sizeof binding.signature);
    memcpy(binding.signature, signature.at, signature.size);
    *out = binding;
    return true;
}

void handle_append_signed(struct buf *out, const struct handle *handle, int64_t seq,
                          const struct account_id *account_id)
{
    buf_append(out, bytes_of(label, sizeof label));
    buf_append_u8(out, (uint8_t)strlen(handle->text));
    buf_append_text(out, handle->text);
    buf_append_u64(out, (uint64_t)seq);
    buf_append(out, bytes_of(account_id->raw, sizeof account_id->raw));
}
