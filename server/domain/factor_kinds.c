/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_kinds.h"

#include <stddef.h>

#include "common/check.h"
#include "common/limits.h"

static const char *const kind_texts[FACTOR_KINDS] = {
    [FACTOR_CODE] = "code",
    [FACTOR_TOTP] = "totp",
    [FACTOR_RECOVERY_CODE] = "recovery_code",
    [FACTOR_PASSWORD] = "password",
    [FACTOR_WEBAUTHN] = "webauthn",
};

static const char *const purpose_texts[] = {
    [0] = NULL,
    [TXN_LINK] = "link",
    [TXN_RECOVER] = "recover",
    [TXN_STEPUP] = "stepup",
    [TXN_VAULT] = "vault",
};

/* Challenges that cost nobody anything are limited by their transactions alone. */
static const struct factor_rules rules[FACTOR_KINDS] = {
    [FACTOR_CODE] = { FACTOR_GUESSED_BY_ANSWER, LIMIT_CHALLENGE_GUESSES, LIMIT_TXN_S,
                      LIMIT_CODES_HOUR, LIMIT_HOUR_S },
    [FACTOR_TOTP] = { FACTOR_GUESSED_BY_ANSWER, LIMIT_CHALLENGE_GUESSES, LIMIT_TXN_S, INT64_MAX,
                      LIMIT_HOUR_S },
    [FACTOR_RECOVERY_CODE] = { FACTOR_GUESSED_BY_ANSWER, LIMIT_CHALLENGE_GUESSES, LIMIT_TXN_S,
                               INT64_MAX, LIMIT_HOUR_S },
    [FACTOR_PASSWORD] = { FACTOR_GUESSED_BY_CHALLENGE, 1, LIMIT_PASSWORD_S, LIMIT_PASSWORDS,
                          LIMIT_PASSWORDS_S },
    [FACTOR_WEBAUTHN] = { FACTOR_NOT_GUESSED, 1, LIMIT_WEBAUTHN_S, LIMIT_WEBAUTHN_HOUR,
                          LIMIT_HOUR_S },
};

const char *factor_kind_text(enum factor_kind kind)
{
    CHECK(kind < FACTOR_KINDS);
    return kind_texts[kind];
}

const char *txn_purpose_text(enum txn_purpose purpose)
{
    CHECK(purpose >= TXN_LINK && purpose <= TXN_VAULT);
    return purpose_texts[purpose];
}

/* Return the place of text among texts from the first on; count when it is none. */
static size_t find(struct bytes text, const char *const *texts, size_t first, size_t count)
{
    for (size_t i = first; i < count; i++) {
        if (bytes_equal(text, bytes_text(texts[i]))) {
            return i;
        }
    }
    return count;
}

bool factor_kind_read(struct bytes text, enum factor_kind *out)
{
    size_t at = find(text, kind_texts, 0, FACTOR_KINDS);

    if (at == FACTOR_KINDS) {
        return false;
    }
    *out = (enum factor_kind)at;
    return true;
}

bool txn_purpose_read(struct bytes text, enum txn_purpose *out)
{
    const size_t count = sizeof purpose_texts / sizeof purpose_texts[0];
    size_t at = find(text, purpose_texts, TXN_LINK, count);

    if (at == count) {
        return false;
    }
    *out = (enum txn_purpose)at;
    return true;
}

const struct factor_rules *factor_rules_of(enum factor_kind kind)
{
    CHECK(kind < FACTOR_KINDS);
    return &rules[kind];
}

uint32_t factor_kinds_of(enum txn_purpose purpose, uint32_t enrolled)
{
    if (purpose == TXN_STEPUP && enrolled != 0) {
        return enrolled;
    }
    return enrolled | UINT32_C(1) << FACTOR_CODE;
}
