/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said without a key is said first (webauthn_data.c); libfido2 loads keys and
 * verifies signatures.  It is given no authenticatorData whose extensions are not whole.
 */
#include "common/webauthn.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/err.h>
#include <fido/es256.h>
#include <fido/param.h>
#include <fido/rs256.h>
#include <fido/types.h>

#include "common/cbor.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_private.h"
#include "common/webauthn_private.h"

enum {
    EXTENSIONS_ALL = 0xff /* sets of the library's FIDO_EXT bits, which it adds to */
};

/* Load the key, and verify assertion by it unless that is NULL. */
static bool try_es256(const struct webauthn_credential *credential, const fido_assert_t *assertion)
{
    es256_pk_t *pk = es256_pk_new();

    crypto_need(pk != NULL);
    bool is_good =
        es256_pk_from_ptr(pk, credential->key, credential->key_size) == FIDO_OK &&
        (assertion == NULL || fido_assert_verify(assertion, 0, COSE_ES256, pk) == FIDO_OK);
    es256_pk_free(&pk);
    return is_good;
}

static bool try_eddsa(const struct webauthn_credential *credential, const fido_assert_t *assertion)
{
    eddsa_pk_t *pk = eddsa_pk_new();

    crypto_need(pk != NULL);
    bool is_good =
        crypto_point_is_valid(credential->key) &&
        eddsa_pk_from_ptr(pk, credential->key, credential->key_size) == FIDO_OK &&
        (assertion == NULL || fido_assert_verify(assertion, 0, COSE_EDDSA, pk) == FIDO_OK);
    eddsa_pk_free(&pk);
    return is_good;
}

static bool try_rs256(const struct webauthn_credential *credential, const fido_assert_t *assertion)
{
    rs256_pk_t *pk = rs256_pk_new();

    crypto_need(pk != NULL);
    bool is_good =
        rs256_pk_from_ptr(pk, credential->key, credential->key_size) == FIDO_OK &&
        (assertion == NULL || fido_assert_verify(assertion, 0, COSE_RS256, pk) == FIDO_OK);
    rs256_pk_free(&pk);
    return is_good;
}

static bool try_key(const struct webauthn_credential *credential, const fido_assert_t *assertion)
{
    fido_init(0); /* of this thread; costs nothing */
    switch (credential->alg) {
    case WEBAUTHN_ES256:
        return try_es256(credential, assertion);
    case WEBAUTHN_EDDSA:
        return try_eddsa(credential, assertion);
    case WEBAUTHN_RS256:
        return try_rs256(credential, assertion);
    }
    CHECK_UNREACHABLE();
}

enum webauthn_result webauthn_register(const struct webauthn_party *party,
                                       const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES],
                                       struct bytes client_data, struct bytes auth_data,
                                       struct webauthn_credential *out)
{
    struct webauthn_credential credential = { .counter = 0 };
    struct webauthn_auth_data data;
    enum webauthn_result result =
        webauthn_judge_client_data(party, "webauthn.create", challenge, client_data);

    if (result == WEBAUTHN_GOOD) {
        result = webauthn_judge_auth_data(party, auth_data, &data);
    }
    if (result == WEBAUTHN_GOOD) {
        result = (data.flags & WEBAUTHN_FLAG_AT) != 0 ? webauthn_read_attested(&data, &credential)
                                                      : WEBAUTHN_MALFORMED;
    }
    if (result == WEBAUTHN_GOOD && !try_key(&credential, NULL)) {
        result = WEBAUTHN_MALFORMED;
    }
    if (result == WEBAUTHN_GOOD) {
        credential.counter = data.counter;
        credential.is_backup_eligible = (data.flags & WEBAUTHN_FLAG_BE) != 0;
        credential.is_backed_up = (data.flags & WEBAUTHN_FLAG_BS) != 0;
        *out = credential;
    }
    return result;
}

/* Behind the begin stands a map of extensions or nothing. */
static bool is_whole(const struct webauthn_auth_data *data)
{
    if ((data->flags & WEBAUTHN_FLAG_AT) != 0) {
        return false;
    }
    return (data->flags & WEBAUTHN_FLAG_ED) != 0 ? cbor_is_map(data->rest) : data->rest.size == 0;
}

/* All that the library wants to know before it verifies. */
static bool fill(fido_assert_t *set, const struct webauthn_party *party,
                 const struct webauthn_assertion *assertion)
{
    const struct bytes *data = &assertion->auth_data;
    const struct bytes *signature = &assertion->signature;
    uint8_t hash[CRYPTO_SHA256_BYTES];

    crypto_sha256(&assertion->client_data, 1, hash);
    return fido_assert_set_rp(set, party->rp_id) == FIDO_OK &&
           fido_assert_set_clientdata_hash(set, hash, sizeof hash) == FIDO_OK &&
           fido_assert_set_count(set, 1) == FIDO_OK &&
           fido_assert_set_up(set, FIDO_OPT_TRUE) == FIDO_OK &&
           fido_assert_set_uv(set, party->wants_verified ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) ==
               FIDO_OK &&
           fido_assert_set_authdata_raw(set, 0, data->at, data->size) == FIDO_OK &&
           fido_assert_set_sig(set, 0, signature->at, signature->size) == FIDO_OK;
}

/* Tell the library which extensions have an answer in there; false: it does not know them all. */
static bool tell_extensions(fido_assert_t *set, int told)
{
    return (told & FIDO_EXT_LARGEBLOB_KEY) == 0 &&          /* that one never stands there */
           fido_assert_set_extensions(set, 0) == FIDO_OK && /* forget those of before */
           fido_assert_set_extensions(set, told) == FIDO_OK;
}

/*
 * A relying party may ignore extensions (section 7.2), and nothing here asks for any.  But the
 * library wants to be told which of those that it knows have an answer in there, and compares
 * that before it verifies anything.
 */
static bool is_signed(const struct webauthn_party *party,
                      const struct webauthn_assertion *assertion,
                      const struct webauthn_credential *credential)
{
    fido_assert_t *set = fido_assert_new();

    crypto_need(set != NULL);
    bool is_filled = fill(set, party, assertion);
    bool is_good = false;
    for (int told = 0; is_filled && !is_good && told <= EXTENSIONS_ALL; told++) {
        is_good = tell_extensions(set, told) && try_key(credential, set);
    }
    fido_assert_free(&set);
    return is_good;
}

/* Authenticators that do not count say 0 for good (section 6.1.1). */
static bool is_ahead(uint32_t counter, uint32_t before)
{
    return counter > before || (counter == 0 && before == 0);
}

enum webauthn_result webauthn_assert(const struct webauthn_party *party,
                                     const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES],
                                     const struct webauthn_assertion *assertion,
                                     struct webauthn_credential *credential)
{
    struct webauthn_auth_data data;
    enum webauthn_result result =
        webauthn_judge_client_data(party, "webauthn.get", challenge, assertion->client_data);

    if (result == WEBAUTHN_GOOD) {
        result = webauthn_judge_auth_data(party, assertion->auth_data, &data);
    }
    if (result != WEBAUTHN_GOOD) {
        return result;
    }
    if (!is_whole(&data) || assertion->auth_data.size > WEBAUTHN_ASSERTED_MAX ||
        assertion->signature.size > WEBAUTHN_SIGNATURE_MAX ||
        ((data.flags & WEBAUTHN_FLAG_BE) != 0) != credential->is_backup_eligible) {
        return WEBAUTHN_MALFORMED;
    }
    if (!is_signed(party, assertion, credential)) {
        return WEBAUTHN_BAD_SIGNATURE;
    }
    if (!is_ahead(data.counter, credential->counter)) {
        return WEBAUTHN_COUNTER_BEHIND;
    }
    credential->counter = data.counter;
    credential->is_backed_up = (data.flags & WEBAUTHN_FLAG_BS) != 0;
    return WEBAUTHN_GOOD;
}
