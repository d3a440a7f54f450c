/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_kinds.h"

#include <stddef.h>

#include "common/check.h"

static const char *const kind_texts[FACTOR_KINDS] = {
    [FACTOR_CODE] = "code",
    [FACTOR_TOTP] = "totp",
    [FACTOR_RECOVERY_CODE] = "recovery_code",
};

static const char *const purpose_texts[] = {
    [0] = NULL,
    [TXN_LINK] = "link",
    [TXN_RECOVER] = "recover",
    [TXN_STEPUP] = "stepup",
    [TXN_VAULT] = "vault",
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

uint32_t factor_kinds_of(enum txn_purpose purpose, uint32_t enrolled)
{
    if (purpose == TXN_STEPUP && enrolled != 0) {
        return enrolled;
    }
    return enrolled | UINT32_C(1) << FACTOR_CODE;
}
