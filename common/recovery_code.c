/* SPDX-License-Identifier: Apache-2.0 */
#include "common/recovery_code.h"

#include <assert.h>
#include <stddef.h>

#include "common/check.h"
#include "common/crockford.h"
#include "common/mem.h"
#include "common/random.h"

enum {
    GROUP_CHARS = 4,
};

static_assert(RECOVERY_CODE_BYTES * 8 == RECOVERY_CODE_CHARS * CROCKFORD_BITS, "no bit is left");
static_assert(RECOVERY_CODE_TEXT_CHARS ==
                  RECOVERY_CODE_CHARS + RECOVERY_CODE_CHARS / GROUP_CHARS - 1,
              "a hyphen between groups");

static const char hash_label[] = "sealpost/recovery-code/1"; /* with its NUL */

void recovery_code_make(struct recovery_code *out)
{
    random_fill(out->raw, sizeof out->raw);
}

/* Write the letters alone. */
static void write_letters(const struct recovery_code *code, char out[RECOVERY_CODE_CHARS])
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t used = 0;

    for (size_t i = 0; i < sizeof code->raw; i++) {
        bits = bits << 8 | code->raw[i];
        for (bit_count += 8; bit_count >= CROCKFORD_BITS; bit_count -= CROCKFORD_BITS) {
            out[used++] = crockford_letter(bits >> (bit_count - CROCKFORD_BITS) & 0x1f);
        }
    }
}

void recovery_code_write(const struct recovery_code *code, char out[RECOVERY_CODE_TEXT_CHARS + 1])
{
    char plain[RECOVERY_CODE_CHARS];
    size_t used = 0;

    write_letters(code, plain);
    for (size_t i = 0; i < sizeof plain; i++) {
        if (i > 0 && i % GROUP_CHARS == 0) {
            out[used++] = '-';
        }
        out[used++] = plain[i];
    }
    out[used] = '\0';
    mem_wipe(plain, sizeof plain);
}

/* Put the next five bits behind count letters. */
static void put(uint8_t *raw, size_t count, int value)
{
    size_t bit = count * CROCKFORD_BITS;
    unsigned pair = (unsigned)value << (16 - CROCKFORD_BITS - bit % 8);

    raw[bit / 8] = (uint8_t)(raw[bit / 8] | pair >> 8);
    if ((pair & 0xff) != 0) {
        raw[bit / 8 + 1] = (uint8_t)(raw[bit / 8 + 1] | (pair & 0xff));
    }
}

/* What is in raw before is zero, and is anything when it is no code. */
static bool read_letters(struct bytes typed, uint8_t raw[RECOVERY_CODE_BYTES])
{
    size_t count = 0;

    for (size_t i = 0; i < typed.size; i++) {
        if (typed.at[i] == '-' || typed.at[i] == ' ') {
            continue;
        }
        int value = crockford_value(typed.at[i]);
        if (value < 0 || count == RECOVERY_CODE_CHARS) {
            return false;
        }
        put(raw, count++, value);
    }
    return count == RECOVERY_CODE_CHARS;
}

bool recovery_code_read(struct bytes typed, struct recovery_code *out)
{
    struct recovery_code code = { .raw = { 0 } };
    bool is_code = typed.size <= RECOVERY_CODE_TYPED_MAX && read_letters(typed, code.raw);

    if (is_code) {
        *out = code;
    }
    mem_wipe(&code, sizeof code);
    return is_code;
}

void recovery_code_hash(struct bytes pepper, const struct account_id *account_id,
                        const struct recovery_code *code, uint8_t out[RECOVERY_CODE_HASH_BYTES])
{
    char plain[RECOVERY_CODE_CHARS];

    CHECK(pepper.size > 0);
    write_letters(code, plain);
    const struct bytes parts[] = {
        bytes_of(hash_label, sizeof hash_label),
        bytes_of(account_id->raw, sizeof account_id->raw),
        bytes_of(plain, sizeof plain),
    };
    crypto_hmac(pepper, parts, sizeof parts / sizeof parts[0], out);
    mem_wipe(plain, sizeof plain);
}
