/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sas.h"

#include <string.h>

#include "common/crypto.h"
#include "common/wire.h"

enum {
    NUMBER_BYTES = 6,
    CODES = 1000000,
    TEN = 10
};

/* The NULs are part of the labels. */
static const char commit_label[] = "sealpost/sas-commit/1";
static const char sas_label[] = "sealpost/sas/1";

void sas_commit_of(const struct sas_random *new_random, const struct link_entry_hash *entry_hash,
                   struct sas_commit *out)
{
    const struct bytes parts[] = {
        bytes_of(commit_label, sizeof commit_label),
        bytes_of(new_random->raw, sizeof new_random->raw),
        bytes_of(entry_hash->raw, sizeof entry_hash->raw),
    };

    crypto_sha256(parts, sizeof parts / sizeof parts[0], out->raw);
}

bool sas_commit_fits(const struct sas_commit *commit, const struct sas_random *new_random,
                     const struct link_entry_hash *entry_hash)
{
    struct sas_commit is;

    sas_commit_of(new_random, entry_hash, &is);
    return crypto_equal(is.raw, commit->raw, sizeof is.raw);
}

void sas_code_of(const struct sas_transcript *transcript, struct sas_code *out)
{
    const struct bytes parts[] = {
        bytes_of(sas_label, sizeof sas_label),
        bytes_of(transcript->account.raw, sizeof transcript->account.raw),
        bytes_of(transcript->entry_hash.raw, sizeof transcript->entry_hash.raw),
        bytes_of(transcript->old_device.raw, sizeof transcript->old_device.raw),
        bytes_of(transcript->new_random.raw, sizeof transcript->new_random.raw),
        bytes_of(transcript->old_random.raw, sizeof transcript->old_random.raw),
    };
    uint8_t sas[CRYPTO_SHA256_BYTES];
    struct wire wire = wire_of(bytes_of(sas, sizeof sas));
    uint64_t number = 0;

    crypto_sha256(parts, sizeof parts / sizeof parts[0], sas);
    number = wire_uint(&wire, NUMBER_BYTES) % CODES;
    for (size_t i = SAS_DIGITS; i > 0; i--) {
        out->digits[i - 1] = (char)('0' + number % TEN);
        number /= TEN;
    }
    out->digits[SAS_DIGITS] = '\0';
}

bool sas_code_matches(const struct sas_code *code, struct bytes typed)
{
    char digits[SAS_DIGITS];
    size_t count = 0;

    for (size_t i = 0; i < typed.size; i++) {
        char letter = (char)typed.at[i];

        if (letter == ' ' || letter == '-') {
            continue;
        }
        if (letter < '0' || letter > '9' || count == SAS_DIGITS) {
            return false;
        }
        digits[count] = letter;
        count++;
    }
    return count == SAS_DIGITS && crypto_equal(digits, code->digits, sizeof digits);
}
