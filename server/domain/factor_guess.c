/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_guess.h"

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/recovery_code.h"
#include "common/totp.h"
#include "server/domain/authenticators.h"
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

static bool read_signed(const struct domain *domain, const struct txns_challenge_row *row,
                        const struct factor_reply *reply, struct factor_guess *out)
{
    if (reply->id.size == 0) {
        return false;
    }
    out->reply = *reply;
    authenticators_name(domain, &row->account_id, reply->id, out->name);
    return true;
}

bool factor_guess_read(const struct domain *domain, const struct txns_challenge_row *row,
                       const struct factor_reply *reply, struct factor_guess *out)
{
    switch (row->kind) {
    case FACTOR_CODE:
        return codes_read(reply->text, &out->code);
    case FACTOR_TOTP:
        return totp_code_read(reply->text, &out->totp);
    case FACTOR_RECOVERY_CODE:
        return read_recovery_code(domain, row, reply->text, out);
    case FACTOR_PASSWORD:
        return base64url_decode_exact(reply->text, out->ke3, sizeof out->ke3);
    case FACTOR_WEBAUTHN:
        return read_signed(domain, row, reply, out);
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
        factors_sql_ask_secrets(batch, row->account, FACTOR_TOTP);
    } else if (row->kind == FACTOR_WEBAUTHN) {
        factors_sql_ask_named(batch, row->account, guess->name);
    }
}

static bool judge_code(const struct domain *domain, const struct txns_challenge_row *row,
                       const struct factor_guess *guess)
{
    uint8_t verifier[CRYPTO_SHA256_BYTES];

    codes_verifier(domain, &row->challenge_id, &guess->code, verifier);
    return crypto_equal(verifier, row->verifier.at, sizeof verifier);
}

static bool check_totp(const struct domain *domain, const struct factors_secret_row *row,
                       int64_t now_ms, struct factor_guess *guess)
{
    struct buf secret = { 0 };
    bool is_open = factor_secret_open(domain, &row->factor_id, row->secret, &secret) &&
                   secret.size == TOTP_SECRET_BYTES;
    bool right = is_open && totp_check(secret.at, guess->totp, now_ms, row->counter, &guess->step);

    guess->is_unreadable = guess->is_unreadable || !is_open;
    factor_secret_wipe(&secret);
    return right;
}

/* Each app of the account is tried; an account that has none, or is none, costs as one. */
static bool judge_totp(const struct domain *domain, struct store_rows *rows, int64_t now_ms,
                       struct factor_guess *guess)
{
    static const uint8_t nobodys[TOTP_SECRET_BYTES];
    struct factors_secret_row row;
    int64_t step = 0;
    bool right = false;
    size_t count = 0;

    for (; factors_sql_next_secret(rows, &row); count++) {
        if (check_totp(domain, &row, now_ms, guess)) {
            guess->factor_id = row.factor_id;
            right = true;
        }
    }
    if (count == 0) {
        factor_secret_open_decoy(domain, sizeof nobodys);
        (void)totp_check(nobodys, guess->totp, now_ms, TOTP_NO_STEP, &step);
    }
    return right;
}

/* Who says whose it is must be right (section 7.2 of the standard, step 6). */
static bool is_of_user(const struct domain *domain, const struct txns_challenge_row *row,
                       const struct factor_guess *guess)
{
    uint8_t user[AUTHENTICATORS_USER_BYTES];

    authenticators_user(domain, &row->account_id, user);
    return guess->reply.user.size == 0 ||
           bytes_equal(guess->reply.user, bytes_of(user, sizeof user));
}

/* An authenticator that is nobody's costs as one that is. */
static bool judge_signed(const struct domain *domain, const struct txns_challenge_row *row,
                         struct store_rows *rows, struct factor_guess *guess)
{
    struct factors_secret_row secret;
    struct webauthn_credential decoy;
    bool is_one = factors_sql_next_secret(rows, &secret) &&
                  authenticators_open(domain, &secret, &guess->credential);
    bool is_users = is_of_user(domain, row, guess);
    enum webauthn_result result;

    authenticators_decoy(domain, row->subject, &decoy);
    if (is_one) {
        guess->factor_id = secret.factor_id;
    } else {
        authenticators_open_decoy(domain);
        guess->credential = decoy;
    }
    result = webauthn_assert(domain->party, row->verifier.at, &guess->reply.assertion,
                             &guess->credential);
    guess->is_behind = is_one && is_users && result == WEBAUTHN_COUNTER_BEHIND;
    return is_one && is_users && result == WEBAUTHN_GOOD;
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
    case FACTOR_PASSWORD:
        return opaque_finish(row->verifier.at, guess->ke3);
    case FACTOR_WEBAUTHN:
        store_rows_select(rows->rows, rows->at);
        return judge_signed(domain, row, rows->rows, guess);
    case FACTOR_KINDS:
        break;
    }
    CHECK_UNREACHABLE(); /* factor_guess_read has refused it */
}

static void expect_signature(const struct domain *domain, struct store_batch *batch,
                             const struct factor_guess *guess)
{
    struct buf sealed = { 0 };

    authenticators_close(domain, &guess->factor_id, &guess->credential, &sealed);
    factors_sql_expect_signature(batch, &guess->factor_id, guess->credential.counter,
                                 buf_view(&sealed));
    buf_clear(&sealed);
}

void factor_guess_expect_use(const struct domain *domain, struct store_batch *batch,
                             const struct txns_challenge_row *row, const struct factor_guess *guess)
{
    switch (row->kind) {
    case FACTOR_TOTP:
        factors_sql_expect_step(batch, &guess->factor_id, guess->step);
        return;
    case FACTOR_RECOVERY_CODE:
        factors_sql_expect_recovery_code(batch, row->account, guess->code_hash);
        return;
    case FACTOR_PASSWORD: /* it may have been changed since KE1 */
        factors_sql_expect_confirmed(batch, &guess->factor_id);
        return;
    case FACTOR_WEBAUTHN:
        expect_signature(domain, batch, guess);
        return;
    case FACTOR_CODE:
    case FACTOR_KINDS:
        return;
    }
}
