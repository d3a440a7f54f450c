/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short authentication string: six digits by which a person compares what two
 * devices saw through a relay that neither trusts.  Pure; any thread.
 *
 *   commit = SHA-256("sealpost/sas-commit/1\0" || rN[32] || eN)       new -> old
 *   rE[32]                                                            old -> new
 *   rN[32]                                                            new -> old
 *   sas    = SHA-256("sealpost/sas/1\0" || account_id || eN || old device_pub || rN || rE)
 *   code   = the first 6 bytes of sas as a number, mod 1,000,000; six digits
 *
 * The old device sends rE only when it has commit, and takes rN only when it fits
 * commit: so whoever stands between has committed to what it shows either side
 * before it can know the code, and guesses right once in a million.  The code is
 * typed on the device that will sign, once; then the exchange begins anew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/link_entry.h"

enum {
    SAS_RANDOM_BYTES = 32,
    SAS_COMMIT_BYTES = 32,
    SAS_DIGITS = 6
};

/* rN or rE: from random_fill, for one exchange. */
struct sas_random {
    uint8_t raw[SAS_RANDOM_BYTES];
};

struct sas_commit {
    uint8_t raw[SAS_COMMIT_BYTES];
};

/* Six digits and a NUL. */
struct sas_code {
    char digits[SAS_DIGITS + 1];
};

/* What both sides have seen. */
struct sas_transcript {
    struct account_id account;
    struct link_entry_hash entry_hash; /* eN */
    struct device_pub old_device;
    struct sas_random new_random; /* rN */
    struct sas_random old_random; /* rE */
};

void sas_commit_of(const struct sas_random *new_random, const struct link_entry_hash *entry_hash,
                   struct sas_commit *out);

/* Say whether what was revealed is what was committed to. */
bool sas_commit_fits(const struct sas_commit *commit, const struct sas_random *new_random,
                     const struct link_entry_hash *entry_hash);

void sas_code_of(const struct sas_transcript *transcript, struct sas_code *out);

/* Say whether a text that a person typed is the code; blanks and hyphens in it do not matter. */
bool sas_code_matches(const struct sas_code *code, struct bytes typed);
