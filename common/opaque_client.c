/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the OPRF gives for a password is stretched and becomes the randomized password, from
 * which with the envelope's nonce all of the client's keys come again.  The envelope is
 *
 *   0   nonce, 32
 *   32  authentication tag, 64, over the nonce and both sides' public keys
 *
 * One comparison of that tag says whether the password was right (RFC 9807 section 4.1.3); a
 * wrong one has spoilt the mask, too, so what is compared may be anything.
 */
#include "common/opaque_client.h"

#include <assert.h>
#include <string.h>

#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/crypto_stretch.h"
#include "common/mem.h"
#include "common/opaque_client_private.h"
#include "common/opaque_private.h"
#include "common/random.h"

static_assert((int)CRYPTO_STRETCH_BYTES == (int)OPAQUE_HASH_BYTES, "Nh of RFC 9807 section 2");

void opaque_client_clear(struct opaque_client *client)
{
    mem_wipe(client, sizeof *client);
}

/* ---- from a password to the randomized password ---- */

/* Blind the password (RFC 9497 section 3.3.1) by the scalar that is in place. */
static bool blind(struct opaque_client *client, struct bytes password)
{
    uint8_t element[CRYPTO_ELEMENT_BYTES];

    if (password.size == 0 || password.size > sizeof client->password) {
        return false;
    }
    memcpy(client->password, password.at, password.size);
    client->password_size = password.size;
    opaque_hash_to_group(password, element);
    bool is_blinded = crypto_element_multiply(client->blind, element, client->ke1);
    mem_wipe(element, sizeof element);
    return is_blinded;
}

/* Finalize of RFC 9497 section 3.3.1.  False when evaluated is no element, or the identity. */
static bool unblind(const struct opaque_client *client, const uint8_t *evaluated,
                    uint8_t out[OPAQUE_HASH_BYTES])
{
    const uint8_t password_size[] = { (uint8_t)(client->password_size >> 8),
                                      (uint8_t)client->password_size };
    const uint8_t element_size[] = { 0, CRYPTO_ELEMENT_BYTES };
    uint8_t inverse[CRYPTO_SCALAR_BYTES];
    uint8_t element[CRYPTO_ELEMENT_BYTES];

    crypto_scalar_invert(client->blind, inverse);
    bool is_element = crypto_element_multiply(inverse, evaluated, element);
    if (is_element) {
        const struct bytes parts[] = {
            bytes_of(password_size, sizeof password_size),
            bytes_of(client->password, client->password_size),
            bytes_of(element_size, sizeof element_size),
            bytes_of(element, sizeof element),
            bytes_text("Finalize"),
        };
        crypto_sha512(parts, sizeof parts / sizeof parts[0], out);
    }
    mem_wipe(inverse, sizeof inverse);
    mem_wipe(element, sizeof element);
    return is_element;
}

static bool stretch_output(struct opaque_stretch stretch, const uint8_t output[OPAQUE_HASH_BYTES],
                           uint8_t out[OPAQUE_HASH_BYTES])
{
    if (stretch.passes == 0) {
        memcpy(out, output, OPAQUE_HASH_BYTES);
        return true;
    }
    return crypto_stretch(bytes_of(output, OPAQUE_HASH_BYTES), stretch.passes, stretch.memory_kib,
                          out);
}

/* The randomized password (RFC 9807 section 5.2.3). */
static bool randomize(const struct opaque_client *client, struct opaque_stretch stretch,
                      const uint8_t *evaluated, uint8_t out[OPAQUE_HASH_BYTES])
{
    uint8_t halves[2][OPAQUE_HASH_BYTES];
    bool is_good =
        unblind(client, evaluated, halves[0]) && stretch_output(stretch, halves[0], halves[1]);

    if (is_good) {
        const struct bytes whole = bytes_of(halves, sizeof halves);
        crypto_hmac_sha512(bytes_of(NULL, 0), &whole, 1, out);
    }
    mem_wipe(halves, sizeof halves);
    return is_good;
}

/* ---- the envelope ---- */

/* What comes again from the randomized password and a nonce (RFC 9807 section 4.1.2). */
struct credentials {
    uint8_t secret[CRYPTO_SCALAR_BYTES];
    uint8_t public[CRYPTO_ELEMENT_BYTES];
    uint8_t tag[OPAQUE_HASH_BYTES];
    uint8_t export_key[OPAQUE_HASH_BYTES];
};

static void derive_credentials(const uint8_t randomized[OPAQUE_HASH_BYTES], const uint8_t *nonce,
                               const uint8_t *server_public, const struct opaque_names *names,
                               struct credentials *out)
{
    const struct bytes key = bytes_of(randomized, OPAQUE_HASH_BYTES);
    const struct bytes nonce_part = bytes_of(nonce, OPAQUE_NONCE_BYTES);
    uint8_t auth_key[OPAQUE_HASH_BYTES];
    uint8_t seed[OPAQUE_SEED_BYTES];

    opaque_expand(key, nonce_part, bytes_text("AuthKey"), auth_key, sizeof auth_key);
    opaque_expand(key, nonce_part, bytes_text("ExportKey"), out->export_key,
                  sizeof out->export_key);
    opaque_expand(key, nonce_part, bytes_text("PrivateKey"), seed, sizeof seed);
    opaque_derive_pair(seed, out->secret, out->public);
    struct bytes server =
        names->server.size > 0 ? names->server : bytes_of(server_public, CRYPTO_ELEMENT_BYTES);
    struct bytes client =
        names->client.size > 0 ? names->client : bytes_of(out->public, sizeof out->public);
    const uint8_t server_size[] = { 0, (uint8_t)server.size };
    const uint8_t client_size[] = { 0, (uint8_t)client.size };
    const struct bytes parts[] = {
        nonce_part,
        bytes_of(server_public, CRYPTO_ELEMENT_BYTES),
        bytes_of(server_size, sizeof server_size),
        server,
        bytes_of(client_size, sizeof client_size),
        client,
    };
    crypto_hmac_sha512(bytes_of(auth_key, sizeof auth_key), parts, sizeof parts / sizeof parts[0],
                       out->tag);
    mem_wipe(auth_key, sizeof auth_key);
    mem_wipe(seed, sizeof seed);
}

static void derive_masking_key(const uint8_t randomized[OPAQUE_HASH_BYTES],
                               uint8_t out[OPAQUE_HASH_BYTES])
{
    opaque_expand(bytes_of(randomized, OPAQUE_HASH_BYTES), bytes_of(NULL, 0),
                  bytes_text("MaskingKey"), out, OPAQUE_HASH_BYTES);
}

/* ---- registration ---- */

bool opaque_client_register_exactly(struct opaque_client *client, struct bytes password,
                                    uint8_t out_request[OPAQUE_REQUEST_BYTES])
{
    if (!blind(client, password)) {
        return false;
    }
    memcpy(out_request, client->ke1, OPAQUE_REQUEST_BYTES);
    return true;
}

bool opaque_client_register(struct opaque_client *client, struct bytes password,
                            uint8_t out_request[OPAQUE_REQUEST_BYTES])
{
    memset(client, 0, sizeof *client);
    crypto_scalar_random(client->blind);
    return opaque_client_register_exactly(client, password, out_request);
}

bool opaque_client_enrol_exactly(const struct opaque_client_step *step,
                                 const uint8_t response[OPAQUE_RESPONSE_BYTES],
                                 const uint8_t nonce[OPAQUE_NONCE_BYTES],
                                 uint8_t out_record[OPAQUE_RECORD_BYTES],
                                 struct opaque_client_keys *out_keys)
{
    const uint8_t *server_public = response + CRYPTO_ELEMENT_BYTES;
    uint8_t randomized[OPAQUE_HASH_BYTES];
    struct credentials credentials;

    if (!crypto_element_is_valid(server_public) ||
        !randomize(step->client, step->stretch, response, randomized)) {
        return false;
    }
    derive_credentials(randomized, nonce, server_public, &step->names, &credentials);
    memcpy(out_record, credentials.public, CRYPTO_ELEMENT_BYTES);
    derive_masking_key(randomized, out_record + CRYPTO_ELEMENT_BYTES);
    uint8_t *envelope = out_record + CRYPTO_ELEMENT_BYTES + OPAQUE_HASH_BYTES;
    memcpy(envelope, nonce, OPAQUE_NONCE_BYTES);
    memcpy(envelope + OPAQUE_NONCE_BYTES, credentials.tag, sizeof credentials.tag);
    memset(out_keys, 0, sizeof *out_keys);
    memcpy(out_keys->export_key, credentials.export_key, sizeof out_keys->export_key);
    mem_wipe(randomized, sizeof randomized);
    mem_wipe(&credentials, sizeof credentials);
    return true;
}

bool opaque_client_enrol(const struct opaque_client *client, struct opaque_stretch stretch,
                         const uint8_t response[OPAQUE_RESPONSE_BYTES],
                         uint8_t out_record[OPAQUE_RECORD_BYTES],
                         struct opaque_client_keys *out_keys)
{
    const struct opaque_client_step step = { .client = client, .stretch = stretch };
    uint8_t nonce[OPAQUE_NONCE_BYTES];

    random_fill(nonce, sizeof nonce);
    return opaque_client_enrol_exactly(&step, response, nonce, out_record, out_keys);
}

/* ---- login ---- */

bool opaque_client_begin_exactly(struct opaque_client *client, struct bytes password,
                                 const struct opaque_client_chance *chance,
                                 uint8_t out_ke1[OPAQUE_KE1_BYTES])
{
    memcpy(client->ke1 + CRYPTO_ELEMENT_BYTES, chance->nonce, OPAQUE_NONCE_BYTES);
    opaque_derive_pair(chance->keyshare_seed, client->share, client->ke1 + OPAQUE_KE1_KEYSHARE_AT);
    if (!blind(client, password)) {
        return false;
    }
    memcpy(out_ke1, client->ke1, OPAQUE_KE1_BYTES);
    return true;
}

bool opaque_client_begin(struct opaque_client *client, struct bytes password,
                         uint8_t out_ke1[OPAQUE_KE1_BYTES])
{
    struct opaque_client_chance chance;

    memset(client, 0, sizeof *client);
    crypto_scalar_random(client->blind);
    random_fill(&chance, sizeof chance);
    bool is_begun = opaque_client_begin_exactly(client, password, &chance, out_ke1);
    mem_wipe(&chance, sizeof chance);
    return is_begun;
}

/* All that a login comes by, wiped as one. */
struct login_secrets {
    uint8_t randomized[OPAQUE_HASH_BYTES];
    uint8_t masking_key[OPAQUE_HASH_BYTES];
    uint8_t plain[OPAQUE_MASKED_BYTES]; /* server's public key 32 | envelope 96 */
    struct credentials credentials;
    uint8_t products[3][CRYPTO_ELEMENT_BYTES];
    struct opaque_keys keys;
};

/* RecoverCredentials of RFC 9807 section 6.3.2.3. */
static bool recover(const struct opaque_client_step *step, const uint8_t *ke2,
                    struct login_secrets *secrets)
{
    const uint8_t *masking_nonce = ke2 + CRYPTO_ELEMENT_BYTES;
    const uint8_t *masked = masking_nonce + OPAQUE_NONCE_BYTES;
    const uint8_t *envelope = secrets->plain + CRYPTO_ELEMENT_BYTES;

    if (!randomize(step->client, step->stretch, ke2, secrets->randomized)) {
        return false;
    }
    derive_masking_key(secrets->randomized, secrets->masking_key);
    opaque_expand(bytes_of(secrets->masking_key, OPAQUE_HASH_BYTES),
                  bytes_of(masking_nonce, OPAQUE_NONCE_BYTES), bytes_text("CredentialResponsePad"),
                  secrets->plain, sizeof secrets->plain);
    for (size_t i = 0; i < sizeof secrets->plain; i++) {
        secrets->plain[i] = (uint8_t)(secrets->plain[i] ^ masked[i]);
    }
    derive_credentials(secrets->randomized, envelope, secrets->plain, &step->names,
                       &secrets->credentials);
    return crypto_equal(secrets->credentials.tag, envelope + OPAQUE_NONCE_BYTES,
                        sizeof secrets->credentials.tag);
}

/* dh1, dh2 and dh3 (RFC 9807 section 6.4.3). */
static bool multiply_all(const struct opaque_client *client, const uint8_t *ke2,
                         struct login_secrets *secrets)
{
    const uint8_t *server_share = ke2 + OPAQUE_KE2_KEYSHARE_AT;

    return crypto_element_multiply(client->share, server_share, secrets->products[0]) &&
           crypto_element_multiply(client->share, secrets->plain, secrets->products[1]) &&
           crypto_element_multiply(secrets->credentials.secret, server_share, secrets->products[2]);
}

/* Verify the server's MAC, and make the client's. */
static bool exchange(const struct opaque_client_step *step, const uint8_t *ke2,
                     struct login_secrets *secrets, uint8_t out_ke3[OPAQUE_KE3_BYTES])
{
    const struct opaque_said said = { .names = step->names,
                                      .client_public = secrets->credentials.public,
                                      .server_public = secrets->plain,
                                      .ke1 = step->client->ke1,
                                      .ke2 = ke2 };
    uint8_t transcript[OPAQUE_HASH_BYTES];
    uint8_t mac[OPAQUE_HASH_BYTES];

    opaque_hash_said(&said, OPAQUE_MAC_AT, transcript);
    struct bytes hashed = bytes_of(transcript, sizeof transcript);
    opaque_keys_derive(bytes_of(secrets->products, sizeof secrets->products), hashed,
                       &secrets->keys);
    crypto_hmac_sha512(bytes_of(secrets->keys.server_mac_key, OPAQUE_HASH_BYTES), &hashed, 1, mac);
    if (!crypto_equal(mac, ke2 + OPAQUE_MAC_AT, sizeof mac)) {
        return false;
    }
    opaque_hash_said(&said, OPAQUE_KE2_BYTES, transcript);
    crypto_hmac_sha512(bytes_of(secrets->keys.client_mac_key, OPAQUE_HASH_BYTES), &hashed, 1,
                       out_ke3);
    return true;
}

bool opaque_client_finish_exactly(const struct opaque_client_step *step,
                                  const uint8_t ke2[OPAQUE_KE2_BYTES],
                                  uint8_t out_ke3[OPAQUE_KE3_BYTES],
                                  struct opaque_client_keys *out_keys)
{
    struct login_secrets secrets;
    bool is_right = recover(step, ke2, &secrets) && multiply_all(step->client, ke2, &secrets) &&
                    exchange(step, ke2, &secrets, out_ke3);

    if (is_right) {
        memcpy(out_keys->session_key, secrets.keys.session_key, sizeof out_keys->session_key);
        memcpy(out_keys->export_key, secrets.credentials.export_key, sizeof out_keys->export_key);
    }
    mem_wipe(&secrets, sizeof secrets);
    return is_right;
}

bool opaque_client_finish(const struct opaque_client *client, struct opaque_stretch stretch,
                          const uint8_t ke2[OPAQUE_KE2_BYTES], uint8_t out_ke3[OPAQUE_KE3_BYTES],
                          struct opaque_client_keys *out_keys)
{
    const struct opaque_client_step step = { .client = client, .stretch = stretch };

    return opaque_client_finish_exactly(&step, ke2, out_ke3, out_keys);
}
