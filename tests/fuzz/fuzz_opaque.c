/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: what a stranger sends to a login and to a registration, KE1[96], a record[192] and, if there
 * is more, KE3[64] and a byte whose bits say which of the three elements are made good ones first,
 * for few strings are elements.  What is refused holds an element that is none, or the identity, and
 * nothing else is refused; of somebody unknown the answer is one, too; and no KE3 is right.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/opaque.h"
#include "common/wire.h"

enum {
    KEYSHARE_AT = 64,
    MADE_BLINDED = 1, /* bits of the last byte */
    MADE_KEYSHARE = 2,
    MADE_PUBLIC = 4
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_login(const uint8_t *ke1, const uint8_t *record, const uint8_t *ke3)
{
    static const uint8_t key[OPAQUE_KEY_BYTES] = { 1 };
    struct bytes credential_id = bytes_text("an account");
    struct opaque_server server;
    struct opaque_login login = { .verifier = { 0 } };
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t response[OPAQUE_RESPONSE_BYTES];
    uint8_t fake[OPAQUE_RECORD_BYTES];

    opaque_server_init(&server, key);
    bool is_blinded = crypto_element_is_valid(ke1);
    bool is_whole =
        is_blinded && crypto_element_is_valid(ke1 + KEYSHARE_AT) && crypto_element_is_valid(record);
    CHECK(opaque_register(&server, credential_id, ke1, response) == is_blinded);
    CHECK(opaque_answer(&server, credential_id, record, ke1, ke2, &login) == is_whole);
    CHECK(!is_blinded || crypto_element_is_valid(response));
    CHECK(!is_whole || crypto_equal(response, ke2, CRYPTO_ELEMENT_BYTES));
    CHECK(opaque_record_is_valid(record) == crypto_element_is_valid(record));
    CHECK(!is_whole || !opaque_finish(login.verifier, ke3));
    opaque_record_fake(&server, credential_id, fake);
    CHECK(opaque_answer(&server, credential_id, fake, ke1, ke2, &login) ==
          (is_blinded && crypto_element_is_valid(ke1 + KEYSHARE_AT)));
    opaque_server_clear(&server);
}

static void make_element(uint8_t *element)
{
    const struct bytes part = bytes_of(element, CRYPTO_ELEMENT_BYTES);
    uint8_t hash[CRYPTO_SHA512_BYTES];

    crypto_sha512(&part, 1, hash);
    crypto_element_of_hash(hash, element);
}

struct sent {
    uint8_t ke1[OPAQUE_KE1_BYTES];
    uint8_t record[OPAQUE_RECORD_BYTES];
    uint8_t ke3[OPAQUE_KE3_BYTES];
};

static void make_elements(struct sent *sent, uint8_t made)
{
    if ((made & MADE_BLINDED) != 0) {
        make_element(sent->ke1);
    }
    if ((made & MADE_KEYSHARE) != 0) {
        make_element(sent->ke1 + KEYSHARE_AT);
    }
    if ((made & MADE_PUBLIC) != 0) {
        make_element(sent->record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct sent sent = { .ke3 = { 0 } };
    struct wire wire = wire_of(bytes_of(data, size));

    started = started || crypto_start();
    CHECK(started);
    struct bytes ke1 = wire_bytes(&wire, sizeof sent.ke1);
    struct bytes record = wire_bytes(&wire, sizeof sent.record);
    if (wire_is_bad(&wire)) {
        return 0;
    }
    memcpy(sent.ke1, ke1.at, ke1.size);
    memcpy(sent.record, record.at, record.size);
    struct bytes ke3 = wire_bytes(&wire, sizeof sent.ke3);
    uint8_t made = wire_u8(&wire);
    if (!wire_is_bad(&wire)) {
        memcpy(sent.ke3, ke3.at, ke3.size);
        make_elements(&sent, made);
    }
    try_login(sent.ke1, sent.record, sent.ke3);
    return 0;
}
