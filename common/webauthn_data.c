/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an authenticator and the browser before it say.  authenticatorData (section 6.1) is
 *
 *   0   SHA-256 of rp_id, 32
 *   32  flags
 *   33  counter of signatures, u32
 *   37  with AT: aaguid 16 | u16 size and id | the key as COSE has it
 *   ..  with ED: a map of extensions
 *
 * A key is in CTAP2's canonical form, which orders its members (CTAP 2.1 section 8), and has no
 * optional ones (section 6.5.1), so that each algorithm has exactly one layout, and the key
 * needs no reader of CBOR.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/cbor.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/webauthn.h"
#include "common/webauthn_private.h"
#include "common/wire.h"

enum {
    AAGUID_BYTES = 16,
    PIECES_MAX = 2,
};

/* A layout: fixed bytes, then bytes of the key, and the same again. */
struct layout {
    enum webauthn_alg alg;
    struct {
        struct bytes fixed;
        size_t key_bytes;
    } pieces[PIECES_MAX];
    struct bytes end; /* as bytes of the key */
};

#define FIXED(text)                                                     \
    {                                                                   \
        .at = (const uint8_t *)(text), .size = sizeof(text) - sizeof "" \
    }

static const struct layout layouts[] = {
    /* {1: 2, 3: -7, -1: 1, -2: x, -3: y} */
    { WEBAUTHN_ES256,
      { { FIXED("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"), 32 }, { FIXED("\x22\x58\x20"), 32 } },
      FIXED("") },
    /* {1: 1, 3: -8, -1: 6, -2: x} */
    { WEBAUTHN_EDDSA,
      { { FIXED("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"), 32 }, { FIXED(""), 0 } },
      FIXED("") },
    /* {1: 3, 3: -257, -1: n, -2: 65537} */
    { WEBAUTHN_RS256,
      { { FIXED("\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00"), 256 }, { FIXED("\x21\x43"), 0 } },
      FIXED("\x01\x00\x01") },
};

static bool is_allowed(const struct webauthn_party *party, struct bytes origin)
{
    for (size_t i = 0; i < party->origin_count; i++) {
        if (bytes_equal(origin, bytes_text(party->origins[i]))) {
            return true;
        }
    }
    return false;
}

/* What the browser says. */
struct client_data {
    struct bytes type;
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    struct bytes origin;
    bool is_inside; /* a page inside that of another origin */
};

/* Browsers add members as they like (section 5.8.1), so what is unknown is passed. */
static void read_client_data(struct json_reader *reader, struct client_data *out)
{
    json_need_text(reader, "type", &out->type);
    json_need_exact(reader, "challenge", out->challenge, sizeof out->challenge);
    json_need_text(reader, "origin", &out->origin);
    (void)json_may_bool(reader, "crossOrigin", &out->is_inside);
    out->is_inside = out->is_inside || json_has(reader, "topOrigin");
}

static enum webauthn_result judge(const struct webauthn_party *party, const char *type,
                                  const uint8_t *challenge, const struct client_data *said)
{
    if (!bytes_equal(said->type, bytes_text(type))) {
        return WEBAUTHN_OTHER_TYPE;
    }
    if (!crypto_equal(said->challenge, challenge, sizeof said->challenge)) {
        return WEBAUTHN_OTHER_CHALLENGE;
    }
    return said->is_inside || !is_allowed(party, said->origin) ? WEBAUTHN_OTHER_ORIGIN
                                                               : WEBAUTHN_GOOD;
}

enum webauthn_result webauthn_judge_client_data(const struct webauthn_party *party,
                                                const char *type,
                                                const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES],
                                                struct bytes text)
{
    struct json_reader reader;
    struct client_data said = { .is_inside = false };
    enum webauthn_result result = WEBAUTHN_MALFORMED;

    if (text.size > WEBAUTHN_CLIENT_DATA_MAX || !json_reader_begin(&reader, text)) {
        return WEBAUTHN_MALFORMED;
    }
    read_client_data(&reader, &said);
    if (reader.kind == JSON_FINE) {
        result = judge(party, type, challenge, &said);
    }
    (void)json_reader_end(&reader); /* releases it; unknown members are no fault here */
    return result;
}

const char *webauthn_result_text(enum webauthn_result result)
{
    static const char *const texts[] = {
        [WEBAUTHN_GOOD] = "good",
        [WEBAUTHN_MALFORMED] = "malformed",
        [WEBAUTHN_OTHER_TYPE] = "other_type",
        [WEBAUTHN_OTHER_CHALLENGE] = "other_challenge",
        [WEBAUTHN_OTHER_ORIGIN] = "other_origin",
        [WEBAUTHN_OTHER_PARTY] = "other_party",
        [WEBAUTHN_NOT_PRESENT] = "not_present",
        [WEBAUTHN_NOT_VERIFIED] = "not_verified",
        [WEBAUTHN_OTHER_ALG] = "other_alg",
        [WEBAUTHN_BAD_SIGNATURE] = "bad_signature",
        [WEBAUTHN_COUNTER_BEHIND] = "counter_behind",
    };

    CHECK((size_t)result < sizeof texts / sizeof texts[0]);
    return texts[result];
}

/* What cannot be: backed up and not eligible for it. */
static bool is_consistent(const struct webauthn_auth_data *data)
{
    return (data->flags & WEBAUTHN_FLAG_BS) == 0 || (data->flags & WEBAUTHN_FLAG_BE) != 0;
}

enum webauthn_result webauthn_judge_auth_data(const struct webauthn_party *party, struct bytes data,
                                              struct webauthn_auth_data *out)
{
    struct wire wire = wire_of(data);
    struct bytes rp_id = bytes_text(party->rp_id);
    uint8_t rp_id_hash[CRYPTO_SHA256_BYTES];
    struct bytes said = wire_bytes(&wire, sizeof rp_id_hash);
    struct webauthn_auth_data read = { .flags = wire_u8(&wire), .counter = wire_u32(&wire) };

    if (wire_is_bad(&wire) || data.size > WEBAUTHN_AUTH_DATA_MAX || !is_consistent(&read)) {
        return WEBAUTHN_MALFORMED;
    }
    crypto_sha256(&rp_id, 1, rp_id_hash);
    if (!bytes_equal(said, bytes_of(rp_id_hash, sizeof rp_id_hash))) {
        return WEBAUTHN_OTHER_PARTY;
    }
    if ((read.flags & WEBAUTHN_FLAG_UP) == 0) {
        return WEBAUTHN_NOT_PRESENT;
    }
    if (party->wants_verified && (read.flags & WEBAUTHN_FLAG_UV) == 0) {
        return WEBAUTHN_NOT_VERIFIED;
    }
    read.rest = bytes_of(wire.at, wire.left);
    *out = read;
    return WEBAUTHN_GOOD;
}

/* Take a key in that layout; false, and wire anywhere, when it is in another. */
static bool take_key(const struct layout *layout, struct wire *wire,
                     struct webauthn_credential *out)
{
    size_t used = 0;

    for (size_t i = 0; i < PIECES_MAX; i++) {
        struct bytes fixed = layout->pieces[i].fixed;

        if (!bytes_equal(wire_bytes(wire, fixed.size), fixed)) {
            return false;
        }
        struct bytes part = wire_bytes(wire, layout->pieces[i].key_bytes);
        if (part.size > 0) {
            memcpy(out->key + used, part.at, part.size);
            used += part.size;
        }
    }
    if (wire_is_bad(wire) || !bytes_equal(wire_bytes(wire, layout->end.size), layout->end)) {
        return false;
    }
    memcpy(out->key + used, layout->end.at, layout->end.size);
    out->key_size = used + layout->end.size;
    out->alg = layout->alg;
    return true;
}

static bool take_any_key(struct wire *wire, struct webauthn_credential *out)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        struct wire ahead = *wire;

        if (take_key(&layouts[i], &ahead, out)) {
            *wire = ahead;
            return true;
        }
    }
    return false;
}

enum webauthn_result webauthn_read_attested(const struct webauthn_auth_data *data,
                                            struct webauthn_credential *out)
{
    struct wire wire = wire_of(data->rest);

    (void)wire_bytes(&wire, AAGUID_BYTES);
    struct bytes id = wire_bytes(&wire, wire_u16(&wire));
    if (wire_is_bad(&wire) || id.size == 0 || id.size > sizeof out->id) {
        return WEBAUTHN_MALFORMED;
    }
    if (!take_any_key(&wire, out)) {
        return WEBAUTHN_OTHER_ALG;
    }
    struct bytes extensions = bytes_of(wire.at, wire.left);
    bool has_extensions = (data->flags & WEBAUTHN_FLAG_ED) != 0;
    if (has_extensions ? !cbor_is_map(extensions) : extensions.size != 0) {
        return WEBAUTHN_MALFORMED;
    }
    memcpy(out->id, id.at, id.size);
    out->id_size = id.size;
    return WEBAUTHN_GOOD;
}
