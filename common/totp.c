/* SPDX-License-Identifier: Apache-2.0 */
#include "common/totp.h"

#include <assert.h>
#include <stddef.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/random.h"

enum {
    DIGITS = 6,
    DIGITS_BEFORE_SPACE = 3,
    BASE32_BITS = 5,
};

static_assert(TOTP_SECRET_BYTES * 8 == TOTP_SECRET_CHARS * BASE32_BITS, "no padding");

void totp_secret_make(uint8_t out[TOTP_SECRET_BYTES])
{
    random_fill(out, TOTP_SECRET_BYTES);
}

void totp_secret_write(const uint8_t secret[TOTP_SECRET_BYTES], char out[TOTP_SECRET_CHARS + 1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t used = 0;

    for (size_t i = 0; i < TOTP_SECRET_BYTES; i++) {
        bits = bits << 8 | secret[i];
        for (bit_count += 8; bit_count >= BASE32_BITS; bit_count -= BASE32_BITS) {
            out[used++] = letters[bits >> (bit_count - BASE32_BITS) & 0x1f];
        }
    }
    out[used] = '\0';
}

/* RFC 4226 section 5.3: the last four bits say where 31 bits are taken from the sum. */
uint32_t totp_code(const uint8_t secret[TOTP_SECRET_BYTES], int64_t step)
{
    uint8_t counter[sizeof step];
    uint8_t sum[CRYPTO_SHA1_BYTES];

    CHECK(step >= 0);
    for (size_t i = sizeof counter; i > 0; i--) {
        counter[i - 1] = (uint8_t)step;
        step >>= 8;
    }
    crypto_hmac_sha1(bytes_of(secret, TOTP_SECRET_BYTES), bytes_of(counter, sizeof counter), sum);
    const uint8_t *at = sum + (sum[sizeof sum - 1] & 0x0f);
    uint32_t number = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 |
                      (uint32_t)at[2] << 8 | (uint32_t)at[3];
    mem_wipe(sum, sizeof sum);
    return number % TOTP_CODE_BELOW;
}

bool totp_code_read(struct bytes typed, uint32_t *out)
{
    uint32_t code = 0;
    size_t digits = 0;

    if (typed.size > DIGITS + 1) {
        return false;
    }
    for (size_t i = 0; i < typed.size; i++) {
        if (typed.at[i] >= '0' && typed.at[i] <= '9') {
            code = code * 10 + (uint32_t)(typed.at[i] - '0');
            digits++;
        } else if (typed.at[i] != ' ' || i != DIGITS_BEFORE_SPACE) {
            return false;
        }
    }
    if (digits != DIGITS) {
        return false;
    }
    *out = code;
    return true;
}

bool totp_check(const uint8_t secret[TOTP_SECRET_BYTES], uint32_t code, int64_t now_ms,
                int64_t last_step, int64_t *out_step)
{
    int64_t now = now_ms / TOTP_STEP_MS;
    int64_t found = TOTP_NO_STEP;

    CHECK(now_ms >= 0);
    for (int64_t step = now - TOTP_STEPS_AROUND; step <= now + TOTP_STEPS_AROUND; step++) {
        uint32_t right = totp_code(secret, step < 0 ? 0 : step);

        /* Of two steps with one code the later: then that code is used up in both. */
        if (crypto_equal(&right, &code, sizeof code)) {
            found = step;
        }
    }
    if (found < 0 || found <= last_step) {
        return false;
    }
    *out_step = found;
    return true;
}
