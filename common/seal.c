/* SPDX-License-Identifier: Apache-2.0 */
#include "common/seal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_xaes.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/wire.h"

enum {
    FORMAT = 1,
    ID_AT = 1,
    NONCE_AT = ID_AT + 4,
    SEALED_AT = NONCE_AT + CRYPTO_XAES_NONCE_BYTES,
};

static_assert((int)SEAL_OVERHEAD_BYTES == (int)SEALED_AT + (int)CRYPTO_XAES_TAG_BYTES,
              "what is added");
static_assert((int)SEAL_KEY_BYTES == (int)CRYPTO_XAES_KEY_BYTES, "derived keys are as large");

/* The NUL that ends a label is part of it. */
static const char key_label[] = "sealpost/seal-key/1";
static const char aad_label[] = "sealpost/seal/1";

/* A block of its own for each key: growing an array would leave copies behind. */
struct master {
    struct master *next; /* with a lower id */
    uint32_t id;
    uint8_t key[SEAL_KEY_BYTES];
};

struct seal {
    struct master *newest;
    struct master *used; /* NULL: the newest */
};

struct seal *seal_create(void)
{
    return mem_zeroed(1, sizeof(struct seal));
}

void seal_destroy(struct seal *seal)
{
    if (seal == NULL) {
        return;
    }
    while (seal->newest != NULL) {
        struct master *master = seal->newest;
        seal->newest = master->next;
        mem_wipe(master, sizeof *master);
        free(master);
    }
    free(seal);
}

void seal_add_key(struct seal *seal, uint32_t id, const uint8_t key[SEAL_KEY_BYTES])
{
    struct master *master = mem_zeroed(1, sizeof *master);
    struct master **link = &seal->newest;

    while (*link != NULL && (*link)->id > id) {
        link = &(*link)->next;
    }
    CHECK(id >= 1 && (*link == NULL || (*link)->id != id));
    master->id = id;
    memcpy(master->key, key, sizeof master->key);
    master->next = *link;
    *link = master;
}

static struct master *master_of(const struct seal *seal, uint32_t id)
{
    for (struct master *master = seal->newest; master != NULL; master = master->next) {
        if (master->id == id) {
            return master;
        }
    }
    return NULL;
}

static const struct master *sealing(const struct seal *seal)
{
    return seal->used == NULL ? seal->newest : seal->used;
}

void seal_use(struct seal *seal, uint32_t id)
{
    seal->used = master_of(seal, id);
    CHECK(seal->used != NULL);
}

void seal_drop_key(struct seal *seal, uint32_t id)
{
    struct master *master = master_of(seal, id);
    struct master **link = &seal->newest;

    if (master == NULL) {
        return;
    }
    CHECK(master != sealing(seal));
    while (*link != master) {
        link = &(*link)->next;
    }
    *link = master->next;
    mem_wipe(master, sizeof *master);
    free(master);
}

bool seal_has_key(const struct seal *seal, uint32_t id)
{
    return master_of(seal, id) != NULL;
}

uint32_t seal_key_in_use(const struct seal *seal)
{
    const struct master *master = sealing(seal);

    return master == NULL ? 0 : master->id;
}

uint32_t seal_key_of(struct bytes sealed)
{
    struct wire wire = wire_of(sealed);
    uint8_t format = wire_u8(&wire);
    uint32_t id = wire_u32(&wire);

    return sealed.size < SEAL_OVERHEAD_BYTES || format != FORMAT ? 0 : id;
}

static void derive(const struct master *master, const struct seal_place *place,
                   uint8_t out[SEAL_KEY_BYTES])
{
    struct buf info = { 0 };

    buf_append(&info, bytes_of(key_label, sizeof key_label));
    buf_append_text(&info, place->table);
    buf_append_u8(&info, '.');
    buf_append_text(&info, place->column);
    crypto_hkdf(bytes_of(master->key, sizeof master->key), buf_view(&info), out, SEAL_KEY_BYTES);
    buf_clear(&info);
}

static void append_aad(const struct seal_place *place, struct buf *out)
{
    buf_append(out, bytes_of(aad_label, sizeof aad_label));
    buf_append(out, bytes_of(place->table, strlen(place->table) + 1));
    buf_append(out, bytes_of(place->column, strlen(place->column) + 1));
    buf_append(out, place->row);
}

void seal_close(const struct seal *seal, const struct seal_place *place, struct bytes plain,
                struct buf *out)
{
    uint8_t key[SEAL_KEY_BYTES];
    uint8_t nonce[CRYPTO_XAES_NONCE_BYTES];
    const struct master *master = sealing(seal);
    struct buf aad = { 0 };

    CHECK(master != NULL);
    derive(master, place, key);
    random_fill(nonce, sizeof nonce);
    append_aad(place, &aad);
    buf_reserve(out, plain.size + SEAL_OVERHEAD_BYTES);
    buf_append_u8(out, FORMAT);
    buf_append_u32(out, master->id);
    buf_append(out, bytes_of(nonce, sizeof nonce));
    crypto_xaes_seal(key, nonce, buf_view(&aad), plain, out->at + out->size);
    out->size += plain.size + CRYPTO_XAES_TAG_BYTES;
    buf_clear(&aad);
    mem_wipe(key, sizeof key);
}

bool seal_open(const struct seal *seal, const struct seal_place *place, struct bytes sealed,
               struct buf *out)
{
    struct wire wire = wire_of(sealed);
    uint8_t format = wire_u8(&wire);
    const struct master *master = master_of(seal, wire_u32(&wire));
    uint8_t key[SEAL_KEY_BYTES];
    struct buf aad = { 0 };
    bool good = false;

    if (sealed.size < SEAL_OVERHEAD_BYTES || format != FORMAT || master == NULL) {
        return false;
    }
    derive(master, place, key);
    append_aad(place, &aad);
    buf_reserve(out, sealed.size - SEALED_AT);
    good = crypto_xaes_open(key, sealed.at + NONCE_AT, buf_view(&aad),
                            bytes_of(sealed.at + SEALED_AT, sealed.size - SEALED_AT),
                            out->at + out->size);
    if (good) {
        out->size += sealed.size - SEAL_OVERHEAD_BYTES;
    } else { /* what was not meant to be read may yet be readable */
        mem_wipe(out->at + out->size, sealed.size - SEALED_AT);
    }
    buf_clear(&aad);
    mem_wipe(key, sizeof key);
    return good;
}

void seal_open_decoy(const struct seal *seal, const struct seal_place *place, size_t plain_size)
{
    size_t size = plain_size + SEAL_OVERHEAD_BYTES;
    struct buf sealed = { 0 };
    struct buf plain = { 0 };

    CHECK(seal_key_in_use(seal) != 0);
    buf_reserve(&sealed, size);
    buf_append_u8(&sealed, FORMAT);
    buf_append_u32(&sealed, seal_key_in_use(seal));
    memset(sealed.at + sealed.size, 0, size - sealed.size);
    sealed.size = size;
    (void)seal_open(seal, place, buf_view(&sealed), &plain); /* nothing was ever sealed so */
    buf_clear(&sealed);
    buf_clear(&plain);
}
