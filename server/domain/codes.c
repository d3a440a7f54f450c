/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/codes.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/seal.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/sealed.h"
#include "server/domain/txns_sql.h"
#include "server/store/store.h"

enum {
    TEN = 10,
    CODES_BELOW = 1000000
};

/* The NUL is part of the label. */
static const char label[] = "sealpost/factor-code/1";

void codes_make(struct code *out)
{
    uint32_t number = random_below(CODES_BELOW);

    for (size_t i = CODES_DIGITS; i > 0; i--) {
        out->digits[i - 1] = (char)('0' + number % TEN);
        number /= TEN;
    }
    out->digits[CODES_DIGITS] = '\0';
}

bool codes_read(struct bytes text, struct code *out)
{
    if (text.size != CODES_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
    }
    memcpy(out->digits, text.at, text.size);
    out->digits[CODES_DIGITS] = '\0';
    return true;
}

void codes_verifier(const struct domain *domain, const struct txn_challenge_id *id,
                    const struct code *code, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const struct bytes parts[] = { bytes_of(label, sizeof label), bytes_of(id->raw, sizeof id->raw),
                                   bytes_of(code->digits, CODES_DIGITS) };

    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), parts, 3, out);
}

static struct seal_place place_of(const struct txn_challenge_id *id)
{
    return sealed_place(SEALED_CODE, bytes_of(id->raw, sizeof id->raw));
}

void codes_close(const struct domain *domain, const struct txn_challenge_id *id,
                 const struct code *code, struct buf *out)
{
    const struct seal_place place = place_of(id);

    seal_close(domain->seal, &place, bytes_of(code->digits, CODES_DIGITS), out);
}

/* False, with a line in the log, when the code of a row cannot be read. */
static bool open_row(const struct domain *domain, const struct txns_challenge_row *row,
                     struct shown_code *out)
{
    const struct seal_place place = place_of(&row->challenge_id);
    struct buf opened = { 0 };
    bool ok = seal_open(domain->seal, &place, row->code, &opened) &&
              codes_read(buf_view(&opened), &out->code);

    if (ok) {
        out->challenge_id = row->challenge_id;
        out->purpose = row->purpose;
        out->expires_at = row->expires_at;
    } else {
        log_error("codes.unreadable",
                  "challenge=%s why=\"damaged, or its seal key is not in key_dir\"",
                  log_id(bytes_of(row->challenge_id.raw, sizeof row->challenge_id.raw)).text);
    }
    mem_wipe(opened.at, opened.size);
    buf_clear(&opened);
    return ok;
}

struct telling {
    struct domain *domain;
    struct shown_code code;
};

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct telling *telling = arg;
    const struct hub_event event = { .kind = HUB_EVENT_CODE, .code = &telling->code };

    for (size_t i = 0; ok && head != NULL && i < head->device_count; i++) {
        hub_tell(telling->domain->hub, &head->devices[i].pub, &event);
    }
    mem_wipe(&telling->code, sizeof telling->code);
    free(telling);
}

void codes_tell(struct domain *domain, const struct account_id *account_id,
                const struct shown_code *code)
{
    struct telling *telling = mem_zeroed(1, sizeof *telling);

    telling->domain = domain;
    telling->code = *code;
    directory_load(domain, account_id, on_head, telling);
}

static void on_one(void *arg, enum store_status status, struct store_rows *rows)
{
    struct domain *domain = arg;
    struct txns_challenge_row row;
    struct shown_code code;

    if (status == STORE_OK && txns_sql_challenge(rows, &row) && row.account != 0 &&
        open_row(domain, &row, &code)) {
        codes_tell(domain, &row.account_id, &code);
        mem_wipe(&code, sizeof code);
    }
}

void codes_tell_of(struct domain *domain, const struct txn_challenge_id *id, int64_t now_ms)
{
    struct store_batch *batch = txns_sql_ask_shown_one(id, now_ms / 1000);

    store_read(domain->store, &batch, on_one, domain);
}

struct listing {
    struct domain *domain;
    codes_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct shown_code codes[LIMIT_CODES_HOUR];
    struct txns_challenge_row row;
    size_t count = 0;

    while (status == STORE_OK && count < LIMIT_CODES_HOUR && txns_sql_challenge(rows, &row)) {
        count += open_row(listing->domain, &row, &codes[count]) ? 1 : 0;
    }
    listing->done(listing->arg, status == STORE_OK, codes, count);
    mem_wipe(codes, sizeof codes);
    free(listing);
}

void codes_list(struct domain *domain, int64_t account, int64_t now_ms, codes_listed_fn *done,
                void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = txns_sql_ask_shown(account, now_ms / 1000);

    listing->domain = domain;
    listing->done = done;
    listing->arg = arg;
    store_read(domain->store, &batch, on_listed, listing);
}
