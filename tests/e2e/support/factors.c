/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What judges second factors, as a process: a line with an object of JSON in, a line with one
 * out.  "call" names the function; bytes are base64url.  So programs of others can be set
 * against it without a relay between.  A line that it does not understand ends it.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_stretch.h"
#include "common/json.h"
#include "common/opaque.h"
#include "common/opaque_client.h"
#include "common/totp.h"
#include "common/webauthn.h"

typedef json_t *call_fn(struct json_reader *reader);

static json_t *on_totp_secret(struct json_reader *reader)
{
    uint8_t secret[TOTP_SECRET_BYTES];
    char text[TOTP_SECRET_CHARS + 1];

    (void)reader;
    totp_secret_make(secret);
    totp_secret_write(secret, text);
    return json_pack("{s:o, s:s}", "secret", json_base64url(bytes_of(secret, sizeof secret)),
                     "text", text);
}

static json_t *on_totp_check(struct json_reader *reader)
{
    uint8_t secret[TOTP_SECRET_BYTES] = { 0 };
    struct bytes typed = bytes_of(NULL, 0);
    int64_t now_ms = 0;
    int64_t step = TOTP_NO_STEP;
    uint32_t code;

    json_need_exact(reader, "secret", secret, sizeof secret);
    json_need_text(reader, "typed", &typed);
    json_need_int(reader, "now_ms", 0, INT64_MAX, &now_ms);
    (void)json_may_int(reader, "last_step", TOTP_NO_STEP, INT64_MAX, &step);
    if (!totp_code_read(typed, &code) || !totp_check(secret, code, now_ms, step, &step)) {
        return json_null();
    }
    return json_pack("{s:I}", "step", (json_int_t)step);
}

static void read_server(struct json_reader *reader, struct opaque_server *server, struct buf *id)
{
    uint8_t key[OPAQUE_KEY_BYTES] = { 0 };

    json_need_exact(reader, "key", key, sizeof key);
    json_need_bytes(reader, "credential_id", id);
    opaque_server_init(server, key);
}

static json_t *on_opaque_register(struct json_reader *reader)
{
    struct opaque_server server;
    struct buf id = { 0 };
    uint8_t request[OPAQUE_REQUEST_BYTES] = { 0 };
    uint8_t response[OPAQUE_RESPONSE_BYTES];
    json_t *answer = json_null();

    read_server(reader, &server, &id);
    json_need_exact(reader, "request", request, sizeof request);
    if (opaque_register(&server, buf_view(&id), request, response)) {
        answer =
            json_pack("{s:o}", "response", json_base64url(bytes_of(response, sizeof response)));
    }
    opaque_server_clear(&server);
    buf_clear(&id);
    return answer;
}

/* Without a record: of somebody unknown. */
static json_t *on_opaque_answer(struct json_reader *reader)
{
    struct opaque_server server;
    struct buf id = { 0 };
    uint8_t record[OPAQUE_RECORD_BYTES];
    uint8_t ke1[OPAQUE_KE1_BYTES] = { 0 };
    uint8_t ke2[OPAQUE_KE2_BYTES];
    struct opaque_login login;
    json_t *answer = json_null();

    read_server(reader, &server, &id);
    json_need_exact(reader, "ke1", ke1, sizeof ke1);
    opaque_record_fake(&server, buf_view(&id), record);
    (void)json_may_exact(reader, "record", record, sizeof record);
    if (opaque_record_is_valid(record) &&
        opaque_answer(&server, buf_view(&id), record, ke1, ke2, &login)) {
        answer = json_pack(
            "{s:o, s:o, s:o}", "ke2", json_base64url(bytes_of(ke2, sizeof ke2)), "verifier",
            json_base64url(bytes_of(login.verifier, sizeof login.verifier)), "session_key",
            json_base64url(bytes_of(login.session_key, sizeof login.session_key)));
    }
    opaque_server_clear(&server);
    buf_clear(&id);
    return answer;
}

static json_t *on_opaque_finish(struct json_reader *reader)
{
    uint8_t verifier[OPAQUE_VERIFIER_BYTES] = { 0 };
    uint8_t ke3[OPAQUE_KE3_BYTES] = { 0 };

    json_need_exact(reader, "verifier", verifier, sizeof verifier);
    json_need_exact(reader, "ke3", ke3, sizeof ke3);
    return json_boolean(opaque_finish(verifier, ke3));
}

/* The client between the halves of a registration or a login: there is one at a time. */
static struct opaque_client client;

static json_t *begin_by(struct json_reader *reader, bool registers)
{
    struct bytes password = bytes_of(NULL, 0);
    uint8_t out[OPAQUE_KE1_BYTES];

    json_need_text(reader, "password", &password);
    bool is_begun = registers ? opaque_client_register(&client, password, out)
                              : opaque_client_begin(&client, password, out);
    return is_begun ? json_base64url(bytes_of(out, registers ? OPAQUE_REQUEST_BYTES : sizeof out))
                    : json_null();
}

static json_t *on_client_register(struct json_reader *reader)
{
    return begin_by(reader, true);
}

static json_t *on_client_begin(struct json_reader *reader)
{
    return begin_by(reader, false);
}

static struct opaque_stretch read_stretch(struct json_reader *reader)
{
    int64_t passes = 1;
    int64_t memory_kib = 0;

    json_need_int(reader, "iterations", 1, CRYPTO_STRETCH_PASSES_MAX, &passes);
    json_need_int(reader, "memory", CRYPTO_STRETCH_MEMORY_MIN, CRYPTO_STRETCH_MEMORY_MAX,
                  &memory_kib);
    return (struct opaque_stretch){ (uint32_t)passes, (size_t)memory_kib };
}

static json_t *on_client_enrol(struct json_reader *reader)
{
    struct opaque_stretch stretch = read_stretch(reader);
    uint8_t response[OPAQUE_RESPONSE_BYTES] = { 0 };
    uint8_t record[OPAQUE_RECORD_BYTES];
    struct opaque_client_keys keys;

    json_need_exact(reader, "response", response, sizeof response);
    if (!opaque_client_enrol(&client, stretch, response, record, &keys)) {
        return json_null();
    }
    return json_pack("{s:o, s:o}", "record", json_base64url(bytes_of(record, sizeof record)),
                     "export_key",
                     json_base64url(bytes_of(keys.export_key, sizeof keys.export_key)));
}

static json_t *on_client_finish(struct json_reader *reader)
{
    struct opaque_stretch stretch = read_stretch(reader);
    uint8_t ke2[OPAQUE_KE2_BYTES] = { 0 };
    uint8_t ke3[OPAQUE_KE3_BYTES];
    struct opaque_client_keys keys;

    json_need_exact(reader, "ke2", ke2, sizeof ke2);
    if (!opaque_client_finish(&client, stretch, ke2, ke3, &keys)) {
        return json_null();
    }
    return json_pack(
        "{s:o, s:o, s:o}", "ke3", json_base64url(bytes_of(ke3, sizeof ke3)), "session_key",
        json_base64url(bytes_of(keys.session_key, sizeof keys.session_key)), "export_key",
        json_base64url(bytes_of(keys.export_key, sizeof keys.export_key)));
}

static const char *const origins[] = { "https://relay.example" };

static struct webauthn_party read_party(struct json_reader *reader, uint8_t *challenge)
{
    struct webauthn_party party = {
        .rp_id = "relay.example",
        .origins = origins,
        .origin_count = 1,
    };

    json_need_exact(reader, "challenge", challenge, WEBAUTHN_CHALLENGE_BYTES);
    (void)json_may_bool(reader, "wants_verified", &party.wants_verified);
    return party;
}

/* A number of enum webauthn_result, and the credential when it is good. */
static json_t *show(enum webauthn_result result, const struct webauthn_credential *credential)
{
    json_t *answer = json_pack("{s:i}", "result", (int)result);

    if (result == WEBAUTHN_GOOD) {
        json_t *more =
            json_pack("{s:i, s:o, s:o, s:I, s:b, s:b}", "alg", (int)credential->alg, "id",
                      json_base64url(bytes_of(credential->id, credential->id_size)), "key",
                      json_base64url(bytes_of(credential->key, credential->key_size)), "counter",
                      (json_int_t)credential->counter, "is_backup_eligible",
                      credential->is_backup_eligible, "is_backed_up", credential->is_backed_up);
        CHECK(json_object_update(answer, more) == 0);
        json_decref(more);
    }
    return answer;
}

static json_t *on_webauthn_register(struct json_reader *reader)
{
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES] = { 0 };
    struct webauthn_party party = read_party(reader, challenge);
    struct webauthn_credential credential;
    struct buf client_data = { 0 };
    struct buf auth_data = { 0 };

    json_need_bytes(reader, "client_data", &client_data);
    json_need_bytes(reader, "auth_data", &auth_data);
    enum webauthn_result result = webauthn_register(&party, challenge, buf_view(&client_data),
                                                    buf_view(&auth_data), &credential);
    buf_clear(&client_data);
    buf_clear(&auth_data);
    return show(result, &credential);
}

static void read_credential(struct json_reader *reader, struct webauthn_credential *out)
{
    struct buf key = { 0 };
    int64_t alg = WEBAUTHN_ES256;
    int64_t counter = 0;

    json_need_int(reader, "alg", WEBAUTHN_RS256, WEBAUTHN_ES256, &alg);
    json_need_int(reader, "counter", 0, UINT32_MAX, &counter);
    json_need_bytes(reader, "key", &key);
    (void)json_may_bool(reader, "is_backup_eligible", &out->is_backup_eligible);
    CHECK(key.size > 0 && key.size <= sizeof out->key);
    memcpy(out->key, key.at, key.size);
    out->key_size = key.size;
    out->alg = (enum webauthn_alg)alg;
    out->counter = (uint32_t)counter;
    buf_clear(&key);
}

static json_t *on_webauthn_assert(struct json_reader *reader)
{
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES] = { 0 };
    struct webauthn_party party = read_party(reader, challenge);
    struct webauthn_credential credential = { .id_size = 0 };
    struct buf client_data = { 0 };
    struct buf auth_data = { 0 };
    struct buf signature = { 0 };

    read_credential(reader, &credential);
    json_need_bytes(reader, "client_data", &client_data);
    json_need_bytes(reader, "auth_data", &auth_data);
    json_need_bytes(reader, "signature", &signature);
    const struct webauthn_assertion assertion = {
        .client_data = buf_view(&client_data),
        .auth_data = buf_view(&auth_data),
        .signature = buf_view(&signature),
    };
    enum webauthn_result result = webauthn_assert(&party, challenge, &assertion, &credential);
    buf_clear(&client_data);
    buf_clear(&auth_data);
    buf_clear(&signature);
    return show(result, &credential);
}

static const struct {
    const char *name;
    call_fn *call;
} calls[] = {
    { "totp_secret", on_totp_secret },         { "totp_check", on_totp_check },
    { "opaque_register", on_opaque_register }, { "opaque_answer", on_opaque_answer },
    { "opaque_finish", on_opaque_finish },     { "client_register", on_client_register },
    { "client_enrol", on_client_enrol },       { "client_begin", on_client_begin },
    { "client_finish", on_client_finish },     { "webauthn_register", on_webauthn_register },
    { "webauthn_assert", on_webauthn_assert },
};

static call_fn *find_call(struct bytes name)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (bytes_equal(name, bytes_text(calls[i].name))) {
            return calls[i].call;
        }
    }
    return NULL;
}

/* False: the line is not understood. */
static bool answer_line(struct bytes line)
{
    struct json_reader reader;
    struct bytes name = bytes_of(NULL, 0);
    struct buf out = { 0 };

    CHECK(json_reader_begin(&reader, line));
    json_need_text(&reader, "call", &name);
    call_fn *call = find_call(name);
    CHECK(call != NULL);
    json_t *answer = json_pack("{s:o}", "answer", call(&reader));
    if (!json_reader_end(&reader)) {
        (void)fprintf(stderr, "the member \"%s\" is wrong\n", reader.fault);
        json_decref(answer);
        return false;
    }
    json_append_steal(&out, answer);
    buf_append_u8(&out, '\n');
    CHECK(fwrite(out.at, 1, out.size, stdout) == out.size && fflush(stdout) == 0);
    buf_clear(&out);
    return true;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    bool is_understood = true;
    ssize_t size;

    CHECK(crypto_start());
    while (is_understood && (size = getline(&line, &room, stdin)) > 0) {
        is_understood = answer_line(bytes_of(line, (size_t)size));
    }
    free(line);
    return is_understood ? EXIT_SUCCESS : EXIT_FAILURE;
}
