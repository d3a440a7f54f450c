/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/api/desk.h"
#include "tests/domain/support/damage.h"
#include "tests/support/unit.h"

struct setting {
    struct desk desk;
    struct person ada;            /* registered: devices 1 (ADMIN) and 2 */
    char token[DESK_TOKEN_BYTES]; /* of device 1 */
};

static int set_up(void **state)
{
    struct setting *setting = mem_zeroed(1, sizeof *setting);

    desk_open(&setting->desk);
    person_init(&setting->ada, 2);
    scene_register(&setting->desk.temp, &setting->ada);
    desk_login(&setting->desk, &setting->ada, person_device(&setting->ada, 1), setting->token);
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    person_clear(&setting->ada);
    desk_close(&setting->desk);
    free(setting);
    return 0;
}

static int status_of(struct setting *setting, const char *fields, const char *token)
{
    const struct request request = {
        .method = "GET", .path = "/v1/account/report", .token = token, .fields = fields
    };
    struct answer answer;
    int status = 0;

    desk_call(&setting->desk, &request, &answer);
    status = answer.status;
    assert_true(status == 200 || answer_is(&answer, 401, "session_invalid"));
    answer_clear(&answer);
    return status;
}

static void revoke(struct setting *setting, uint64_t seq, const char *body, struct answer *out)
{
    const struct sigbytes_command command = { .seq = seq,
                                              .op = COMMAND_SESSIONS_REVOKE,
                                              .payload = bytes_text(body) };
    struct request request = {
        .method = "POST", .path = "/v1/sessions/revoke", .token = setting->token, .body = body
    };
    char field[DESK_FIELD_BYTES];

    desk_command(&setting->desk, &setting->ada, person_device(&setting->ada, 1), &command, field);
    request.fields = field;
    desk_call(&setting->desk, &request, out);
}

static void a_token_opens_until_its_day_is_over(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(status_of(setting, NULL, setting->token), 200);
    desk_now_ms += (int64_t)LIMIT_SESSION_S * 1000 - 1;
    assert_int_equal(status_of(setting, NULL, setting->token), 200);
    desk_now_ms += 1;
    assert_int_equal(status_of(setting, NULL, setting->token), 401);
}

static void a_token_is_found_again_in_the_store(void **state)
{
    struct setting *setting = *state;

    sessions_forget_all(&setting->desk.temp.domain);
    assert_int_equal(status_of(setting, NULL, setting->token), 200);
    assert_int_equal(status_of(setting, NULL, setting->token), 200);
}

static void whatever_is_no_token_is_refused_alike(void **state)
{
    struct setting *setting = *state;
    char field[DESK_FIELD_BYTES];

    assert_int_equal(status_of(setting, NULL, NULL), 401);
    assert_int_equal(status_of(setting, NULL, ""), 401);
    assert_int_equal(status_of(setting, NULL, "sp1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                     401);
    (void)snprintf(field, sizeof field, "Authorization: Basic %s\r\n", setting->token);
    assert_int_equal(status_of(setting, field, NULL), 401);
    (void)snprintf(field, sizeof field, "Authorization: %s\r\n", setting->token);
    assert_int_equal(status_of(setting, field, NULL), 401);
    (void)snprintf(field, sizeof field, "Authorization: bEARER %s\r\n", setting->token);
    assert_int_equal(status_of(setting, field, NULL), 200);
}

static void ending_a_session_is_204_and_ends_it(void **state)
{
    struct setting *setting = *state;
    const struct request request = { .method = "DELETE",
                                     .path = "/v1/auth/session",
                                     .token = setting->token };
    struct answer answer;

    desk_call(&setting->desk, &request, &answer);
    assert_int_equal(answer.status, 204);
    answer_clear(&answer);
    assert_int_equal(status_of(setting, NULL, setting->token), 401);
}

static void a_challenge_takes_an_empty_object_and_nothing_in_it(void **state)
{
    struct setting *setting = *state;
    struct answer answer;

    desk_call(&setting->desk,
              &(struct request){ .method = "POST", .path = "/v1/auth/challenge", .body = "{}" },
              &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(strlen(answer_text(&answer, "challenge")), 64);
    assert_int_equal(answer_int(&answer, "expires_at"), desk_now_ms / 1000 + LIMIT_CHALLENGE_S);
    answer_clear(&answer);
    desk_call(
        &setting->desk,
        &(struct request){ .method = "POST", .path = "/v1/auth/challenge", .body = "{\"a\":1}" },
        &answer);
    assert_true(answer_is(&answer, 400, "malformed"));
    assert_string_equal(answer_text(&answer, "member"), "a");
    answer_clear(&answer);
}

static void begin_with(struct setting *setting, int device_id, struct answer *out)
{
    struct request request = { .method = "POST", .path = "/v1/auth/session" };
    uint8_t zeros[CRYPTO_SIGNATURE_BYTES] = { 0 };
    struct buf body = { 0 };

    json_append_steal(
        &body, json_pack("{s:o, s:i, s:o, s:o}", "account_id",
                         json_base64url(bytes_of(setting->ada.account_id.raw, ACCOUNT_ID_BYTES)),
                         "device_id", device_id, "challenge",
                         json_base64url(bytes_of(zeros, CHALLENGE_BYTES)), "signature",
                         json_base64url(bytes_of(zeros, sizeof zeros))));
    buf_append_u8(&body, '\0');
    request.body = (const char *)body.at;
    desk_call(&setting->desk, &request, out);
    buf_clear(&body);
}

static void a_proof_that_is_no_good_is_401_and_one_that_cannot_be_is_422(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    char field[DESK_FIELD_BYTES] = "";

    begin_with(setting, 1, &answer);
    assert_true(answer_is(&answer, 401, "auth_failed"));
    assert_true(answer_field(&answer, "WWW-Authenticate", field, sizeof field));
    answer_clear(&answer);
    begin_with(setting, 0, &answer);
    assert_true(answer_is(&answer, 422, "value_invalid"));
    assert_string_equal(answer_text(&answer, "member"), "device_id");
    answer_clear(&answer);
    begin_with(setting, 128, &answer);
    assert_true(answer_is(&answer, 422, "value_invalid"));
    answer_clear(&answer);
}

static void revoking_tells_how_many_ended(void **state)
{
    struct setting *setting = *state;
    char second[DESK_TOKEN_BYTES];
    struct answer answer;

    desk_login(&setting->desk, &setting->ada, person_device(&setting->ada, 2), second);
    revoke(setting, 10, "{\"device_ids\":[]}", &answer);
    assert_int_equal(answer_int(&answer, "revoked"), 0);
    answer_clear(&answer);
    assert_int_equal(status_of(setting, NULL, second), 200);
    revoke(setting, 11, "{}", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer_int(&answer, "revoked"), 1);
    answer_clear(&answer);
    assert_int_equal(status_of(setting, NULL, second), 401);
    assert_int_equal(status_of(setting, NULL, setting->token), 200);
    revoke(setting, 12, "{\"device_ids\":[1]}", &answer);
    assert_int_equal(answer_int(&answer, "revoked"), 1);
    answer_clear(&answer);
    assert_int_equal(status_of(setting, NULL, setting->token), 401);
}

static void a_command_is_refused_with_its_codes(void **state)
{
    struct setting *setting = *state;
    const struct request bare = {
        .method = "POST", .path = "/v1/sessions/revoke", .token = setting->token, .body = "{}"
    };
    struct answer answer;

    desk_call(&setting->desk, &bare, &answer);
    assert_true(answer_is(&answer, 401, "command_invalid"));
    answer_clear(&answer);
    revoke(setting, (uint64_t)desk_now_ms + LIMIT_COMMAND_AHEAD_MS + 1, "{}", &answer);
    assert_true(answer_is(&answer, 400, "command_clock"));
    answer_clear(&answer);
    revoke(setting, (uint64_t)desk_now_ms + LIMIT_COMMAND_AHEAD_MS, "{}", &answer);
    assert_int_equal(answer.status, 200);
    answer_clear(&answer);
    revoke(setting, 5, "{}", &answer);
    assert_true(answer_is(&answer, 409, "command_replayed"));
    assert_int_equal(answer_int(&answer, "last_seq"), desk_now_ms + LIMIT_COMMAND_AHEAD_MS);
    answer_clear(&answer);
}

static void a_command_whose_body_is_refused_uses_no_seq(void **state)
{
    static const struct {
        const char *body;
        int status;
    } cases[] = {
        { "{\"device_ids\":\"all\"}", 400 }, { "{\"device_ids\":[\"1\"]}", 400 },
        { "{\"device_ids\":[0]}", 422 },     { "{\"device_ids\":[128]}", 422 },
        { "{\"device_ids\":[2,2]}", 422 },   { "{\"device_ids\":[1.5]}", 400 },
    };
    struct setting *setting = *state;
    struct answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        revoke(setting, 10, cases[i].body, &answer);
        assert_true(answer_is(&answer, cases[i].status,
                              cases[i].status == 400 ? "malformed" : "value_invalid"));
        assert_string_equal(answer_text(&answer, "member"), "device_ids");
        answer_clear(&answer);
    }
    revoke(setting, 10, "{}", &answer);
    assert_int_equal(answer.status, 200);
    answer_clear(&answer);
}

static void a_store_that_cannot_is_503_with_when_to_try_again(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    char field[DESK_FIELD_BYTES] = "";

    damage_break(&setting->desk.temp, DAMAGE_DELETE_SESSIONS);
    revoke(setting, 10, "{\"device_ids\":[1]}", &answer);
    assert_true(answer_is(&answer, 503, "unavailable"));
    assert_true(answer_field(&answer, "Retry-After", field, sizeof field));
    assert_int_equal(answer_int(&answer, "retry_after"), strtol(field, NULL, 10));
    answer_clear(&answer);
    assert_int_equal(status_of(setting, NULL, setting->token), 200);
}

/* Nobody would tell a stream that is opened now that the relay stops. */
static void a_draining_relay_opens_no_stream(void **state)
{
    struct setting *setting = *state;
    const struct request request = { .method = "GET",
                                     .path = "/v1/stream",
                                     .token = setting->token,
                                     .fields = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                               "Sec-WebSocket-Version: 13\r\n"
                                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                               "Sec-WebSocket-Protocol: sealpost.v1\r\n" };
    struct answer answer;
    char field[DESK_FIELD_BYTES] = "";

    setting->desk.api.draining = true;
    desk_call(&setting->desk, &request, &answer);
    assert_true(answer_is(&answer, 503, "unavailable"));
    assert_true(answer_field(&answer, "Retry-After", field, sizeof field));
    answer_clear(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_opens_until_its_day_is_over),
        TEST(a_token_is_found_again_in_the_store),
        TEST(whatever_is_no_token_is_refused_alike),
        TEST(ending_a_session_is_204_and_ends_it),
        TEST(a_challenge_takes_an_empty_object_and_nothing_in_it),
        TEST(a_proof_that_is_no_good_is_401_and_one_that_cannot_be_is_422),
        TEST(revoking_tells_how_many_ended),
        TEST(a_command_is_refused_with_its_codes),
        TEST(a_command_whose_body_is_refused_uses_no_seq),
        TEST(a_store_that_cannot_is_503_with_when_to_try_again),
        TEST(a_draining_relay_opens_no_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
