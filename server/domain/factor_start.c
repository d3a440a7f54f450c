/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_start.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/webauthn.h"
#include "server/domain/domain.h"
#include "server/domain/factors_sql.h"
#include "server/domain/txns_sql.h"
#include "server/store/store.h"

static_assert((int)OPAQUE_VERIFIER_BYTES == (int)CRYPTO_SHA256_BYTES, "a password's verifier");
static_assert((int)WEBAUTHN_CHALLENGE_BYTES == (int)CRYPTO_SHA256_BYTES, "what is signed");

void factor_start_ask(struct store_batch *batch, enum factor_kind kind, const struct txn_id *txn_id)
{
    if (kind == FACTOR_PASSWORD || kind == FACTOR_WEBAUTHN) {
        factors_sql_ask_secrets_of(batch, txn_id, kind);
    }
}

static void make_code(const struct domain *domain, struct txns_challenge_row *row,
                      struct factor_start *start)
{
    codes_make(&start->code);
    codes_verifier(domain, &row->challenge_id, &start->code, start->verifier);
    codes_close(domain, &row->challenge_id, &start->code, &start->sealed);
    row->code = buf_view(&start->sealed);
}

static void make_password(const struct domain *domain, const struct txns_row *txn,
                          struct store_rows *rows, struct txns_challenge_row *row,
                          struct factor_start *start)
{
    struct factors_secret_row secret;
    bool has_one = factors_sql_next_secret(rows, &secret);

    passwords_answer(domain, txn, has_one ? &secret : NULL, start->ke1, &start->login);
    memcpy(start->verifier, start->login.verifier, sizeof start->verifier);
    row->factor_id = start->login.factor_id;
    row->has_factor = true;
}

static void make_webauthn(const struct domain *domain, const struct txns_row *txn,
                          struct store_rows *rows, struct factor_start *start)
{
    struct authenticators_ids decoys;

    random_fill(start->verifier, sizeof start->verifier);
    authenticators_decoys(domain, txn->subject, &decoys);
    authenticators_list(domain, rows, &decoys, &start->allowed);
}

void factor_start_make(const struct domain *domain, const struct txns_row *txn,
                       const struct factor_start_rows *rows, struct txns_challenge_row *row,
                       struct factor_start *start)
{
    switch (row->kind) {
    case FACTOR_CODE:
        make_code(domain, row, start);
        break;
    case FACTOR_PASSWORD:
        store_rows_select(rows->rows, rows->at);
        make_password(domain, txn, rows->rows, row, start);
        break;
    case FACTOR_WEBAUTHN:
        store_rows_select(rows->rows, rows->at);
        make_webauthn(domain, txn, rows->rows, start);
        break;
    case FACTOR_TOTP:
    case FACTOR_RECOVERY_CODE:
        return;
    case FACTOR_KINDS:
        CHECK_UNREACHABLE();
    }
    row->verifier = bytes_of(start->verifier, sizeof start->verifier);
}

void factor_start_clear(struct factor_start *start)
{
    buf_clear(&start->sealed);
    mem_wipe(start, sizeof *start);
}
