/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: what a stranger sends to a login and to a registration, KE1[96] and a record[192].  What
 * is refused holds an element that is none, or the identity, and nothing else is refused.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/opaque.h"
#include "common/wire.h"

enum {
    KEYSHARE_AT = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_login(const uint8_t *ke1, const uint8_t *record)
{
    static const uint8_t key[OPAQUE_KEY_BYTES] = { 1 };
    struct bytes credential_id = bytes_text("an account");
    struct opaque_server server;
    struct opaque_login login;
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t response[OPAQUE_RESPONSE_BYTES];

    opaque_server_init(&server, key);
    bool is_blinded = crypto_element_is_valid(ke1);
    bool is_whole =
        is_blinded && crypto_element_is_valid(ke1 + KEYSHARE_AT) && crypto_element_is_valid(record);
    CHECK(opaque_register(&server, credential_id, ke1, response) == is_blinded);
    CHECK(opaque_answer(&server, credential_id, record, ke1, ke2, &login) == is_whole);
    CHECK(!is_blinded || crypto_element_is_valid(response));
    CHECK(!is_whole || crypto_equal(response, ke2, CRYPTO_ELEMENT_BYTES));
    opaque_server_clear(&server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct wire wire = wire_of(bytes_of(data, size));

    started = started || crypto_start();
    CHECK(started);
    struct bytes ke1 = wire_bytes(&wire, OPAQUE_KE1_BYTES);
    struct bytes record = wire_bytes(&wire, OPAQUE_RECORD_BYTES);
    if (!wire_is_bad(&wire)) {
        try_login(ke1.at, record.at);
    }
    return 0;
}
