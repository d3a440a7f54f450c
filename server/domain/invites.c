/* SPDX-License-Identifier: Apache-2.0 */
/* An invite has 128 random bits, so a plain hash hides it and guessing it is hopeless. */
#include "server/domain/invites.h"

#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/domain/invites_sql.h"
#include "server/store/store.h"

static const char prefix[] = "spi1_";

static void hash_of(const uint8_t raw[INVITE_BYTES], struct invite_hash *out)
{
    const struct bytes part = bytes_of(raw, INVITE_BYTES);

    crypto_sha256(&part, 1, out->raw);
}

bool invites_parse(struct bytes text, struct invite_hash *out)
{
    const size_t prefix_size = sizeof prefix - 1;
    uint8_t raw[INVITE_BYTES];

    if (text.size < prefix_size || memcmp(text.at, prefix, prefix_size) != 0 ||
        !base64url_decode_exact(bytes_of(text.at + prefix_size, text.size - prefix_size), raw,
                                sizeof raw)) {
        return false;
    }
    hash_of(raw, out);
    mem_wipe(raw, sizeof raw);
    return true;
}

void invites_spend(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s)
{
    invites_sql_spend(batch, hash, now_s);
}

void invites_ask(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s)
{
    invites_sql_ask(batch, hash, now_s);
}

static enum invites_result result_of(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return INVITES_OK;
    case STORE_FULL:
        return INVITES_STORAGE_FULL;
    case STORE_REFUSED:
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        return INVITES_UNAVAILABLE;
    }
    CHECK_UNREACHABLE();
}

struct creation {
    invites_created_fn *done;
    void *arg;
    char text[INVITE_TEXT_BYTES];
};

static void on_created(void *arg, enum store_status status, struct store_rows *rows)
{
    struct creation *creation = arg;

    (void)rows;
    creation->done(creation->arg, result_of(status), status == STORE_OK ? creation->text : NULL);
    mem_wipe(creation, sizeof *creation);
    free(creation);
}

void invites_create(struct domain *domain, const struct invites_terms *terms, int64_t now_ms,
                    invites_created_fn *done, void *arg)
{
    struct creation *creation = mem_zeroed(1, sizeof *creation);
    struct store_batch *batch = NULL;
    struct invite_hash hash;
    struct buf text = { 0 };
    uint8_t raw[INVITE_BYTES];

    CHECK(terms->uses >= 1 && terms->note.size <= INVITE_NOTE_BYTES);
    random_fill(raw, sizeof raw);
    hash_of(raw, &hash);
    buf_append_text(&text, prefix);
    base64url_encode(bytes_of(raw, sizeof raw), &text);
    CHECK(text.size == INVITE_TEXT_BYTES - 1);
    memcpy(creation->text, text.at, text.size);
    creation->done = done;
    creation->arg = arg;
    mem_wipe(raw, sizeof raw);
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    batch = invites_sql_create(&hash, terms, now_ms / DOMAIN_DAY_MS);
    store_submit(domain->store, &batch, on_created, creation);
}

struct listing {
    invites_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct invite *invites = mem_zeroed(INVITES_LIST_MAX, sizeof *invites);
    size_t count = 0;

    if (status == STORE_OK) {
        while (count < INVITES_LIST_MAX && invites_sql_next(rows, &invites[count])) {
            count++;
        }
    }
    listing->done(listing->arg, result_of(status), invites, count);
    free(invites);
    free(listing);
}

void invites_list(struct domain *domain, invites_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = invites_sql_list(INVITES_LIST_MAX);

    listing->done = done;
    listing->arg = arg;
    store_read(domain->store, &batch, on_listed, listing);
}

struct revocation {
    invites_revoked_fn *done;
    void *arg;
};

static void on_revoked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct revocation *revocation = arg;
    enum invites_result result = result_of(status);

    if (result == INVITES_OK && !store_rows_next(rows)) {
        result = INVITES_UNKNOWN;
    }
    revocation->done(revocation->arg, result);
    free(revocation);
}

void invites_revoke(struct domain *domain, const uint8_t id[INVITE_ID_BYTES],
                    invites_revoked_fn *done, void *arg)
{
    struct revocation *revocation = mem_zeroed(1, sizeof *revocation);
    struct store_batch *batch = invites_sql_revoke(id);

    revocation->done = done;
    revocation->arg = arg;
    store_submit(domain->store, &batch, on_revoked, revocation);
}
