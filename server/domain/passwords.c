/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/passwords.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/wire.h"
#include "server/domain/domain.h"
#include "server/domain/factor_secret.h"
#include "server/domain/factors_sql.h"
#include "server/domain/txns_sql.h"

enum {
    KEY_ID_BYTES = 4,
    KEPT_BYTES = KEY_ID_BYTES + OPAQUE_RECORD_BYTES
};

/* The NUL is part of the label. */
static const char nobody_label[] = "sealpost/opaque-nobody/1";

struct server {
    struct server *next;
    uint32_t id;
    struct opaque_server opaque;
};

struct passwords {
    struct server *first; /* descending by id */
};

struct passwords *passwords_create(void)
{
    return mem_zeroed(1, sizeof(struct passwords));
}

void passwords_destroy(struct passwords *passwords)
{
    if (passwords == NULL) {
        return;
    }
    while (passwords->first != NULL) {
        struct server *server = passwords->first;

        passwords->first = server->next;
        opaque_server_clear(&server->opaque);
        free(server);
    }
    free(passwords);
}

void passwords_add_key(struct passwords *passwords, uint32_t id,
                       const uint8_t key[OPAQUE_KEY_BYTES])
{
    struct server **place = &passwords->first;
    struct server *server = mem_zeroed(1, sizeof *server);

    CHECK(id > 0);
    server->id = id;
    opaque_server_init(&server->opaque, key);
    while (*place != NULL && (*place)->id > id) {
        place = &(*place)->next;
    }
    CHECK(*place == NULL || (*place)->id != id);
    server->next = *place;
    *place = server;
}

static const struct server *find(const struct passwords *passwords, uint32_t id)
{
    const struct server *server = passwords->first;

    while (server != NULL && server->id != id) {
        server = server->next;
    }
    return server;
}

static const struct server *newest(const struct passwords *passwords)
{
    CHECK(passwords->first != NULL);
    return passwords->first;
}

void passwords_register(const struct domain *domain, const struct account_id *account_id,
                        const struct factor_id *factor_id,
                        const uint8_t request[OPAQUE_REQUEST_BYTES],
                        uint8_t out_response[OPAQUE_RESPONSE_BYTES], struct buf *out_sealed)
{
    const struct server *server = newest(domain->passwords);
    struct buf kept = { 0 };

    CHECK(opaque_register(&server->opaque, bytes_of(account_id->raw, sizeof account_id->raw),
                          request, out_response));
    buf_append_u32(&kept, server->id);
    factor_secret_close(domain, factor_id, buf_view(&kept), out_sealed);
    buf_clear(&kept);
}

bool passwords_keep(const struct domain *domain, const struct factor_id *factor_id,
                    struct bytes pending, const uint8_t record[OPAQUE_RECORD_BYTES],
                    struct buf *out_sealed)
{
    struct buf kept = { 0 };
    bool ok = factor_secret_open(domain, factor_id, pending, &kept) && kept.size == KEY_ID_BYTES;

    if (ok) {
        buf_reserve(&kept, OPAQUE_RECORD_BYTES);
        buf_append(&kept, bytes_of(record, OPAQUE_RECORD_BYTES));
        factor_secret_close(domain, factor_id, buf_view(&kept), out_sealed);
    }
    factor_secret_wipe(&kept);
    return ok;
}

/* Open what is kept, and find its server; false: it is not to be had. */
static bool open_record(const struct domain *domain, const struct factors_secret_row *row,
                        const struct server **out_server, uint8_t out_record[OPAQUE_RECORD_BYTES])
{
    struct buf kept = { 0 };
    bool ok = factor_secret_open(domain, &row->factor_id, row->secret, &kept);
    struct wire wire = wire_of(buf_view(&kept));
    const struct server *server = find(domain->passwords, wire_u32(&wire));
    struct bytes record = wire_bytes(&wire, OPAQUE_RECORD_BYTES);

    if (ok && (server == NULL || !wire_is_done(&wire))) {
        factor_secret_say_damaged(&row->factor_id);
        ok = false;
    }
    if (ok) {
        memcpy(out_record, record.at, record.size);
        *out_server = server;
    }
    factor_secret_wipe(&kept);
    return ok;
}

/* Whose record it is.  The hash is made in either case. */
static struct bytes credential_of(const struct domain *domain, const struct txns_row *txn,
                                  uint8_t hash[CRYPTO_SHA256_BYTES])
{
    struct buf name = { 0 };
    struct bytes part;

    buf_append(&name, bytes_of(nobody_label, sizeof nobody_label));
    buf_append_u64(&name, (uint64_t)txn->subject);
    part = buf_view(&name);
    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), &part, 1, hash);
    buf_clear(&name);
    if (txn->account != 0) {
        memcpy(hash, txn->account_id.raw, sizeof txn->account_id.raw);
    }
    return bytes_of(hash, CRYPTO_SHA256_BYTES);
}

/* The fake record is made for those who have one, too: it takes some time. */
void passwords_answer(const struct domain *domain, const struct txns_row *txn,
                      const struct factors_secret_row *row, const uint8_t ke1[OPAQUE_KE1_BYTES],
                      struct passwords_login *out)
{
    const struct server *server = newest(domain->passwords);
    uint8_t hash[CRYPTO_SHA256_BYTES];
    struct bytes credential = credential_of(domain, txn, hash);
    uint8_t record[OPAQUE_RECORD_BYTES];
    struct opaque_login login;

    static_assert(sizeof txn->account_id.raw == sizeof hash, "either names a record");
    random_fill(out->factor_id.raw, sizeof out->factor_id.raw);
    opaque_record_fake(&server->opaque, credential, record);
    if (row == NULL) {
        factor_secret_open_decoy(domain, KEPT_BYTES);
    } else if (open_record(domain, row, &server, record)) {
        out->factor_id = row->factor_id;
    }
    CHECK(opaque_answer(&server->opaque, credential, record, ke1, out->ke2, &login));
    memcpy(out->verifier, login.verifier, sizeof out->verifier);
    mem_wipe(&login, sizeof login);
    mem_wipe(record, sizeof record);
}
