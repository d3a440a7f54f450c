/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credential response hides the envelope under a pad that only the right record gives
 * away, so that an answer for somebody unknown looks like any other.
 */
#include "common/opaque.h"

#include <assert.h>
#include <string.h>

#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/mem.h"
#include "common/opaque_private.h"
#include "common/random.h"

enum {
    MASKING_KEY_AT = CRYPTO_ELEMENT_BYTES,
    ENVELOPE_AT = MASKING_KEY_AT + OPAQUE_HASH_BYTES,
    ENVELOPE_BYTES = 96,
    MASKED_AT = CRYPTO_ELEMENT_BYTES + OPAQUE_NONCE_BYTES,
    MASKED_BYTES = CRYPTO_ELEMENT_BYTES + ENVELOPE_BYTES,
    KEYSHARE_AT = CRYPTO_ELEMENT_BYTES + OPAQUE_NONCE_BYTES, /* in KE1 */
};

static_assert(ENVELOPE_AT + ENVELOPE_BYTES == OPAQUE_RECORD_BYTES, "RFC 9807 section 5.1");
static_assert(MASKED_AT + MASKED_BYTES == OPAQUE_CREDENTIAL_BYTES, "RFC 9807 section 6.3.1");

void opaque_server_init(struct opaque_server *server, const uint8_t key[OPAQUE_KEY_BYTES])
{
    struct bytes secret = bytes_of(key, OPAQUE_KEY_BYTES);
    uint8_t seed[OPAQUE_SEED_BYTES];

    crypto_hkdf(secret, bytes_text("sealpost/opaque/oprf/1"), server->oprf_seed,
                sizeof server->oprf_seed);
    crypto_hkdf(secret, bytes_text("sealpost/opaque/3dh/1"), seed, sizeof seed);
    crypto_hkdf(secret, bytes_text("sealpost/opaque/decoy/1"), server->decoy_key,
                sizeof server->decoy_key);
    opaque_derive_pair(seed, server->secret, server->public);
    mem_wipe(seed, sizeof seed);
}

void opaque_server_clear(struct opaque_server *server)
{
    mem_wipe(server, sizeof *server);
}

bool opaque_request_is_valid(const uint8_t request[OPAQUE_REQUEST_BYTES])
{
    return crypto_element_is_valid(request);
}

bool opaque_ke1_is_valid(const uint8_t ke1[OPAQUE_KE1_BYTES])
{
    return crypto_element_is_valid(ke1) && crypto_element_is_valid(ke1 + KEYSHARE_AT);
}

bool opaque_register(const struct opaque_server *server, struct bytes credential_id,
                     const uint8_t request[OPAQUE_REQUEST_BYTES],
                     uint8_t out_response[OPAQUE_RESPONSE_BYTES])
{
    uint8_t evaluated[CRYPTO_ELEMENT_BYTES];

    if (!opaque_evaluate(server->oprf_seed, credential_id, request, evaluated)) {
        return false;
    }
    memcpy(out_response, evaluated, sizeof evaluated);
    memcpy(out_response + sizeof evaluated, server->public, sizeof server->public);
    return true;
}

bool opaque_record_is_valid(const uint8_t record[OPAQUE_RECORD_BYTES])
{
    return crypto_element_is_valid(record);
}

/* The envelope is zero, as in RFC 9807 section 10.9: nobody sees it without its mask. */
void opaque_record_fake(const struct opaque_server *server, struct bytes credential_id,
                        uint8_t out_record[OPAQUE_RECORD_BYTES])
{
    struct bytes key = bytes_of(server->decoy_key, sizeof server->decoy_key);
    uint8_t uniform[CRYPTO_UNIFORM_BYTES];

    opaque_expand(key, credential_id, bytes_text("PublicKey"), uniform, sizeof uniform);
    crypto_element_of_hash(uniform, out_record);
    opaque_expand(key, credential_id, bytes_text("MaskingKey"), out_record + MASKING_KEY_AT,
                  OPAQUE_HASH_BYTES);
    memset(out_record + ENVELOPE_AT, 0, ENVELOPE_BYTES);
}

/* CreateCredentialResponse of RFC 9807 section 6.3.2.2, into the begin of ke2. */
static bool respond_with_credential(const struct opaque_question *question, uint8_t *ke2)
{
    const uint8_t *record = question->record;
    uint8_t pad[MASKED_BYTES];

    if (!opaque_evaluate(question->server->oprf_seed, question->credential_id, question->ke1,
                         ke2)) {
        return false;
    }
    memcpy(ke2 + CRYPTO_ELEMENT_BYTES, question->chance.masking_nonce, OPAQUE_NONCE_BYTES);
    opaque_expand(bytes_of(record + MASKING_KEY_AT, OPAQUE_HASH_BYTES),
                  bytes_of(question->chance.masking_nonce, OPAQUE_NONCE_BYTES),
                  bytes_text("CredentialResponsePad"), pad, sizeof pad);
    memcpy(ke2 + MASKED_AT, question->server->public, CRYPTO_ELEMENT_BYTES);
    memcpy(ke2 + MASKED_AT + CRYPTO_ELEMENT_BYTES, record + ENVELOPE_AT, ENVELOPE_BYTES);
    for (size_t i = 0; i < sizeof pad; i++) {
        ke2[MASKED_AT + i] = (uint8_t)(ke2[MASKED_AT + i] ^ pad[i]);
    }
    mem_wipe(pad, sizeof pad);
    return true;
}

bool opaque_answer_exactly(const struct opaque_question *question,
                           uint8_t out_ke2[OPAQUE_KE2_BYTES], struct opaque_login *out_login)
{
    uint8_t ke2[OPAQUE_KE2_BYTES];

    if (!respond_with_credential(question, ke2) || !opaque_respond(question, ke2, out_login)) {
        return false;
    }
    memcpy(out_ke2, ke2, sizeof ke2);
    return true;
}

bool opaque_answer(const struct opaque_server *server, struct bytes credential_id,
                   const uint8_t record[OPAQUE_RECORD_BYTES], const uint8_t ke1[OPAQUE_KE1_BYTES],
                   uint8_t out_ke2[OPAQUE_KE2_BYTES], struct opaque_login *out_login)
{
    struct opaque_question question = {
        .server = server,
        .credential_id = credential_id,
        .record = record,
        .ke1 = ke1,
    };

    random_fill(&question.chance, sizeof question.chance);
    bool is_good = opaque_answer_exactly(&question, out_ke2, out_login);
    mem_wipe(&question.chance, sizeof question.chance);
    return is_good;
}

bool opaque_finish(const uint8_t verifier[OPAQUE_VERIFIER_BYTES],
                   const uint8_t ke3[OPAQUE_KE3_BYTES])
{
    const struct bytes mac = bytes_of(ke3, OPAQUE_KE3_BYTES);
    uint8_t sum[OPAQUE_VERIFIER_BYTES];

    crypto_sha256(&mac, 1, sum);
    return crypto_equal(sum, verifier, sizeof sum);
}
