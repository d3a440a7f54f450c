/* SPDX-License-Identifier: Apache-2.0 */
#include "common/recovery_key.h"

#include <assert.h>
#include <stddef.h>

#include "common/crockford.h"
#include "common/mem.h"
#include "common/random.h"

enum {
    DATA_CHARS = 26,
    GROUP_CHARS = 4,
    FIELD_TOP = 0x20,  /* x^5, */
    FIELD_POLY = 0x25, /* x^5 + x^2 + 1 */
    BITS_LEFT = DATA_CHARS * CROCKFORD_BITS - RECOVERY_KEY_BYTES * 8,
};

static_assert(BITS_LEFT == 2, "of the last letter two bits are zero");
static_assert(RECOVERY_KEY_TEXT_CHARS == RECOVERY_KEY_CHARS + RECOVERY_KEY_CHARS / GROUP_CHARS - 1,
              "a hyphen between groups");

static const char seed_info[] = "sealpost/recovery/ed25519/1";

static unsigned times_x(unsigned value)
{
    value <<= 1;
    return (value & FIELD_TOP) != 0 ? value ^ FIELD_POLY : value;
}

static unsigned times(unsigned one, unsigned other)
{
    unsigned product = 0;

    for (; other != 0; other >>= 1) {
        product ^= (other & 1) != 0 ? one : 0;
        one = times_x(one);
    }
    return product;
}

static unsigned power_of_x(size_t exponent)
{
    unsigned power = 1;

    while (exponent > 0) {
        power = times_x(power);
        exponent--;
    }
    return power;
}

/* The two sums over the first count letters. */
struct sums {
    unsigned plain, weighted;
};

static struct sums sums_of(const uint8_t *values, size_t count)
{
    struct sums sums = { 0, 0 };
    unsigned power = 1;

    for (size_t i = 0; i < count; i++) {
        sums.plain ^= values[i];
        sums.weighted ^= times(values[i], power);
        power = times_x(power);
    }
    return sums;
}

/* 1 / value = value^30, for there are 31 values but zero. */
static unsigned inverse(unsigned value)
{
    unsigned power = 1;

    for (int i = 0; i < 30; i++) {
        power = times(power, value);
    }
    return power;
}

/* The last two letters u, v make both sums zero: u + v = plain, u a^26 + v a^27 = weighted. */
static void check_letters(uint8_t values[RECOVERY_KEY_CHARS])
{
    struct sums sums = sums_of(values, DATA_CHARS);
    unsigned first = power_of_x(DATA_CHARS);
    unsigned second = power_of_x(DATA_CHARS + 1);
    unsigned last = times(sums.weighted ^ times(sums.plain, first), inverse(first ^ second));

    values[DATA_CHARS] = (uint8_t)(sums.plain ^ last);
    values[DATA_CHARS + 1] = (uint8_t)last;
}

void recovery_key_make(struct recovery_key *out)
{
    random_fill(out->raw, sizeof out->raw);
}

static unsigned bit_of(const struct recovery_key *key, size_t bit)
{
    return bit < sizeof key->raw * 8 ? (unsigned)key->raw[bit / 8] >> (7 - bit % 8) & 1U : 0;
}

void recovery_key_write(const struct recovery_key *key, char out[RECOVERY_KEY_TEXT_CHARS + 1])
{
    uint8_t values[RECOVERY_KEY_CHARS] = { 0 };
    size_t used = 0;

    for (size_t bit = 0; bit < (size_t)DATA_CHARS * CROCKFORD_BITS; bit++) {
        uint8_t *value = &values[bit / CROCKFORD_BITS];

        *value = (uint8_t)((unsigned)*value << 1 | bit_of(key, bit));
    }
    check_letters(values);
    for (size_t i = 0; i < sizeof values; i++) {
        if (i > 0 && i % GROUP_CHARS == 0) {
            out[used++] = '-';
        }
        out[used++] = crockford_letter(values[i]);
    }
    out[used] = '\0';
    mem_wipe(values, sizeof values);
}

static bool read_letters(struct bytes typed, uint8_t values[RECOVERY_KEY_CHARS])
{
    size_t count = 0;

    for (size_t i = 0; i < typed.size; i++) {
        if (typed.at[i] == '-' || typed.at[i] == ' ') {
            continue;
        }
        int value = crockford_value(typed.at[i]);
        if (value < 0 || count == RECOVERY_KEY_CHARS) {
            return false;
        }
        values[count++] = (uint8_t)value;
    }
    return count == RECOVERY_KEY_CHARS;
}

static bool is_word(const uint8_t values[RECOVERY_KEY_CHARS])
{
    struct sums sums = sums_of(values, RECOVERY_KEY_CHARS);

    return sums.plain == 0 && sums.weighted == 0 &&
           (values[DATA_CHARS - 1] & ((1U << BITS_LEFT) - 1)) == 0;
}

bool recovery_key_read(struct bytes typed, struct recovery_key *out)
{
    uint8_t values[RECOVERY_KEY_CHARS] = { 0 };
    bool is_key =
        typed.size <= RECOVERY_KEY_TYPED_MAX && read_letters(typed, values) && is_word(values);

    for (size_t bit = 0; is_key && bit < sizeof out->raw * 8; bit++) {
        uint8_t *byte = &out->raw[bit / 8];
        unsigned value = values[bit / CROCKFORD_BITS];

        *byte = (uint8_t)((unsigned)*byte << 1 |
                          (value >> (CROCKFORD_BITS - 1 - bit % CROCKFORD_BITS) & 1U));
    }
    mem_wipe(values, sizeof values);
    return is_key;
}

void recovery_key_seed(const struct recovery_key *key, uint8_t out[CRYPTO_SEED_BYTES])
{
    crypto_hkdf(bytes_of(key->raw, sizeof key->raw), bytes_text(seed_info), out, CRYPTO_SEED_BYTES);
}
