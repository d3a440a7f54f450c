/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_guess.h"

#include "common/check.h"
#include "common/mem.h"
#include "common/recovery_code.h"
#include "common/totp.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_secret.h"
#include "server/domain/factors_sql.h"
#include "server/domain/txns_sql.h"
#include "server/store/store.h"

static bool read_recovery_code(const struct domain *domain, const struct txns_challenge_row *row,
                               struct bytes text, struct factor_guess *out)
{
    struct recovery_code code;
    bool is_one = recovery_code_read(text, &code);

    if (is_one) {
        recovery_code_hash(bytes_of(domain->keys.index, sizeof domain->keys.index),
                           &row->account_id, &code, out->code_hash);
    }
    mem_wipe(&code, sizeof code);
    return is_one;
}

bool factor_guess_read(const struct domain *domain, const struct txns_challenge_row *row,
                       struct bytes text, struct factor_guess *out)
{
    switch (row->kind) {
    case FACTOR_CODE:
        return codes_read(text, &out->code);
    case FACTOR_TOTP:
        return totp_code_read(text, &out->totp);
    case FACTOR_RECOVERY_CODE:
        return read_recovery_code(domain, row, text, out);
    case FACTOR_KINDS:
        break;
    }
    return false; /* a newer daemon's */
}

void factor_guess_ask(struct store_batch *batch, const struct txns_challenge_row *row,
                      const struct factor_guess *guess)
{
    if (row->kind == FACTOR_RECOVERY_CODE) {
        factors_sql_ask_recovery_code(batch, row->account, guess->code_hash);
    } else if (row->kind == FACTOR_TOTP) {
        factors_sql_ask_totp(batch, row->account);
    }
}

static bool judge_code(const struct domain *domain, const struct txns_challenge_row *row,
                       const struct factor_guess *guess)
{
    uint8_t verifier[CRYPTO_SHA256_BYTES];

    CHECK(row->verifier.size == sizeof verifier);
    codes_verifier(domain, &row->challenge_id, &guess->code, verifier);
    return crypto_equal(verifier, row->verifier.at, sizeof verifier);
}

/* Each app of the account is tried; an account that has none, or is none, costs as one. */
static bool judge_totp(const struct domain *domain, struct store_rows *rows, int64_t now_ms,
                       struct factor_guess *guess)
{
    uint8_t secret[TOTP_SECRET_BYTES] = { 0 };
    struct factors_totp_row row;
    int64_t step = 0;
    bool right = false;
    size_t count = 0;

    for (; factors_sql_next_totp(rows, &row); count++) {
        if (!factor_secret_open(domain, &row.factor_id, row.secret, secret)) {
            guess->is_unreadable = true;
        } else if (totp_check(secret, guess->totp, now_ms, row.last_step, &step)) {
            guess->factor_id = row.factor_id;
            guess->step = step;
            right = true;
        }
    }
    if (count == 0) {
        factor_secret_open_decoy(domain);
        (void)totp_check(secret, guess->totp, now_ms, TOTP_NO_STEP, &step);
    }
    mem_wipe(secret, sizeof secret);
    return right;
}

bool factor_guess_judge(const struct domain *domain, const struct txns_challenge_row *row,
                        const struct factor_guess_rows *rows, int64_t now_ms,
                        struct factor_guess *guess)
{
    switch (row->kind) {
    case FACTOR_CODE:
        return judge_code(domain, row, guess);
    case FACTOR_TOTP:
        store_rows_select(rows->rows, rows->at);
        return judge_totp(domain, rows->rows, now_ms, guess);
    case FACTOR_RECOVERY_CODE:
        store_rows_select(rows->rows, rows->at);
        return store_rows_next(rows->rows);
    case FACTOR_KINDS:
        break;
    }
    CHECK_UNREACHABLE(); /* factor_guess_read has refused it */
}

void factor_guess_expect_use(struct store_batch *batch, const struct txns_challenge_row *row,
                             const struct factor_guess *guess)
{
    if (row->kind == FACTOR_TOTP) {
        factors_sql_expect_step(batch, &guess->factor_id, guess->step);
    } else if (row->kind == FACTOR_RECOVERY_CODE) {
        factors_sql_expect_recovery_code(batch, row->account, guess->code_hash);
    }
}
