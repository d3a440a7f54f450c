/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of public keys over HTTP: what each call takes, gives and refuses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/api/desk.h"
#include "tests/support/unit.h"

#define EC "signal.one-time-ec"
#define KEY "\"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF\"" /* 33 bytes 0x05 */

enum {
    KEY_BYTES = 33,
    EC_TYPE = 0x05
};

struct setting {
    struct desk desk;
    struct person ada, bob;
    char ada_token[DESK_TOKEN_BYTES], bob_token[DESK_TOKEN_BYTES]; /* of their devices 1 */
    uint64_t seq;                                                  /* of ada's last command */
};

static int set_up(void **state)
{
    struct setting *setting = mem_zeroed(1, sizeof *setting);

    desk_open(&setting->desk);
    person_init(&setting->ada, 1);
    person_init(&setting->bob, 1);
    scene_register(&setting->desk.temp, &setting->ada);
    scene_register(&setting->desk.temp, &setting->bob);
    desk_login(&setting->desk, &setting->ada, person_device(&setting->ada, 1), setting->ada_token);
    desk_login(&setting->desk, &setting->bob, person_device(&setting->bob, 1), setting->bob_token);
    setting->seq = (uint64_t)desk_now_ms;
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    person_clear(&setting->ada);
    person_clear(&setting->bob);
    desk_close(&setting->desk);
    free(setting);
    return 0;
}

/* Call as ada, by the command setting->seq. */
static void command(struct setting *setting, enum command_op op, const char *body,
                    struct answer *out)
{
    const struct sigbytes_command signed_command = { .seq = setting->seq,
                                                     .op = (uint8_t)op,
                                                     .payload = bytes_text(body) };
    struct request request = { .method = op == COMMAND_KEYS_PUT ? "PUT" : "DELETE",
                               .path = "/v1/keys",
                               .token = setting->ada_token,
                               .body = body };
    char field[DESK_FIELD_BYTES];

    desk_command(&setting->desk, &setting->ada, person_device(&setting->ada, 1), &signed_command,
                 field);
    request.fields = field;
    desk_call(&setting->desk, &request, out);
}

static void put(struct setting *setting, const char *body, struct answer *out)
{
    setting->seq++;
    command(setting, COMMAND_KEYS_PUT, body, out);
}

static void delete_keys(struct setting *setting, const char *body, struct answer *out)
{
    setting->seq++;
    command(setting, COMMAND_KEYS_DELETE, body, out);
}

static void call(struct setting *setting, const char *token, const char *method, const char *path,
                 const char *body, struct answer *out)
{
    const struct request request = { .method = method, .path = path, .token = token, .body = body };

    desk_call(&setting->desk, &request, out);
}

static void append_key(struct buf *out, uint32_t id)
{
    uint8_t key[KEY_BYTES] = { EC_TYPE, (uint8_t)(id >> 8), (uint8_t)id };
    char *text = base64url_text(bytes_of(key, sizeof key));

    buf_append_format(out, "{\"id\":%u,\"key\":\"%s\"}", id, text);
    free(text);
}

/* Put count keys from the id first on. */
static void put_some(struct setting *setting, uint32_t first, uint32_t count, struct answer *out)
{
    struct buf body = { 0 };

    buf_append_text(&body, "{\"slots\":{\"" EC "\":[");
    for (uint32_t i = 0; i < count; i++) {
        buf_append_text(&body, i == 0 ? "" : ",");
        append_key(&body, first + i);
    }
    buf_append_text(&body, "]}}");
    buf_append_u8(&body, 0);
    put(setting, (const char *)body.at, out);
    buf_clear(&body);
}

static void fill(struct setting *setting, uint32_t first, uint32_t count)
{
    struct answer answer;

    put_some(setting, first, count, &answer);
    assert_int_equal(answer.status, 200);
    answer_clear(&answer);
}

static const json_t *pool_of(const struct answer *answer, const char *slot)
{
    return json_object_get(json_object_get(answer->json, "slots"), slot);
}

static json_int_t count_of(const struct answer *answer, const char *slot)
{
    return json_integer_value(json_object_get(pool_of(answer, slot), "count"));
}

static void an_upload_is_answered_with_what_is_there(void **state)
{
    struct setting *setting = *state;
    struct answer answer;

    put(setting,
        "{\"registration_id\":4711,\"slots\":{\"" EC "\":[{\"id\":1,\"key\":" KEY "}],"
        "\"x.spare\":[{\"id\":2,\"key\":\"AA\"}]}}",
        &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer_int(&answer, "registration_id"), 4711);
    assert_int_equal(count_of(&answer, EC), 1);
    assert_int_equal(json_integer_value(json_object_get(pool_of(&answer, EC), "generation")), 1);
    assert_true(json_is_true(json_object_get(pool_of(&answer, "x.spare"), "last_resort")));
    assert_null(json_object_get(pool_of(&answer, EC), "key"));
    answer_clear(&answer);
    call(setting, setting->ada_token, "GET", "/v1/keys", NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(count_of(&answer, EC), 1);
    assert_int_equal(answer_int(&answer, "registration_id"), 4711);
    answer_clear(&answer);
    call(setting, setting->bob_token, "GET", "/v1/keys", NULL, &answer);
    assert_int_equal(json_object_size(json_object_get(answer.json, "slots")), 0);
    answer_clear(&answer);
}

static void calls_need_a_session(void **state)
{
    static const char *const calls[][2] = {
        { "GET", "/v1/keys" },        { "PUT", "/v1/keys" },        { "DELETE", "/v1/keys" },
        { "POST", "/v1/keys/check" }, { "POST", "/v1/keys/claim" },
    };
    struct answer answer;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        call(*state, NULL, calls[i][0], calls[i][1], i == 0 ? NULL : "{}", &answer);
        assert_true(answer_is(&answer, 401, "session_invalid"));
        answer_clear(&answer);
    }
}

static void changes_need_a_command_that_works_once(void **state)
{
    struct setting *setting = *state;
    struct answer answer;

    call(setting, setting->ada_token, "PUT", "/v1/keys", "{\"slots\":{}}", &answer);
    assert_true(answer_is(&answer, 401, "command_invalid"));
    answer_clear(&answer);
    call(setting, setting->ada_token, "DELETE", "/v1/keys", "{\"slots\":[]}", &answer);
    assert_true(answer_is(&answer, 401, "command_invalid"));
    answer_clear(&answer);
    fill(setting, 1, 1);
    command(setting, COMMAND_KEYS_PUT, "{\"slots\":{}}", &answer); /* by the same seq */
    assert_true(answer_is(&answer, 409, "command_replayed"));
    assert_int_equal(answer_int(&answer, "last_seq"), (int64_t)setting->seq);
    answer_clear(&answer);
    command(setting, COMMAND_KEYS_DELETE, "{\"slots\":[\"" EC "\"]}", &answer);
    assert_true(answer_is(&answer, 409, "command_replayed"));
    answer_clear(&answer);
}

struct refusal {
    const char *body;
    int status;
    const char *code;
    const char *member; /* the member that is named, or the slot */
};

static const char *named_by(const struct answer *answer)
{
    const char *member = answer_text(answer, "member");

    return member[0] == '\0' ? answer_text(answer, "slot") : member;
}

static void an_upload_that_is_malformed_names_the_member(void **state)
{
    static const struct refusal cases[] = {
        { "[]", 400, "malformed", "" },
        { "{}", 400, "malformed", "slots" },
        { "{\"slots\":[]}", 400, "malformed", "slots" },
        { "{\"slots\":{},\"extra\":1}", 400, "malformed", "extra" },
        { "{\"slots\":{},\"registration_id\":-1}", 422, "value_invalid", "registration_id" },
        { "{\"slots\":{},\"registration_id\":4294967296}", 422, "value_invalid",
          "registration_id" },
        { "{\"slots\":{\"" EC "\":{}}}", 400, "malformed", "slots." EC },
        { "{\"slots\":{\"" EC "\":[1]}}", 400, "malformed", "slots." EC },
        { "{\"slots\":{\"" EC "\":[{\"id\":1}]}}", 400, "malformed", "slots." EC },
        { "{\"slots\":{\"" EC "\":[{\"id\":\"1\",\"key\":" KEY "}]}}", 400, "malformed",
          "slots." EC },
        { "{\"slots\":{\"" EC "\":[{\"id\":1,\"key\":\"A\"}]}}", 400, "malformed", "slots." EC },
        { "{\"slots\":{\"x.none\":[]}}", 422, "slot_unknown", "x.none" },
        { "{\"slots\":{\"\":[]}}", 422, "slot_unknown", "" },
        { "{\"slots\":{},\"replace\":[\"" EC "\"]}", 422, "value_invalid", "replace" },
        { "{\"slots\":{},\"replace\":[1]}", 400, "malformed", "replace" },
        { "{\"slots\":{\"" EC "\":[]},\"replace\":[\"x.none\"]}", 422, "slot_unknown", "x.none" },
    };
    struct answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(*state, cases[i].body, &answer);
        assert_true(answer_is(&answer, cases[i].status, cases[i].code));
        assert_string_equal(named_by(&answer), cases[i].member);
        answer_clear(&answer);
    }
}

static void a_key_that_is_refused_is_named_with_its_reason(void **state)
{
    struct answer answer;

    put(*state, "{\"slots\":{\"" EC "\":[{\"id\":1,\"key\":" KEY "},{\"id\":2,\"key\":\"BQ\"}]}}",
        &answer);
    assert_true(answer_is(&answer, 422, "key_invalid"));
    assert_string_equal(answer_text(&answer, "slot"), EC);
    assert_int_equal(answer_int(&answer, "index"), 1);
    assert_string_equal(answer_text(&answer, "reason"), "length");
    assert_string_not_equal(answer_text(&answer, "explanation"), "");
    answer_clear(&answer);
    call(*state, ((struct setting *)*state)->ada_token, "GET", "/v1/keys", NULL, &answer);
    assert_int_equal(json_object_size(json_object_get(answer.json, "slots")), 0);
    answer_clear(&answer);
}

static void a_conflict_names_the_ids(void **state)
{
    struct answer answer;
    const json_t *ids = NULL;

    fill(*state, 1, 3);
    put(*state, "{\"slots\":{\"" EC "\":[{\"id\":3,\"key\":" KEY "},{\"id\":9,\"key\":" KEY "}]}}",
        &answer);
    assert_true(answer_is(&answer, 409, "key_conflict"));
    assert_string_equal(answer_text(&answer, "slot"), EC);
    ids = json_object_get(answer.json, "ids");
    assert_int_equal(json_array_size(ids), 1);
    assert_int_equal(json_integer_value(json_array_get(ids, 0)), 3);
    answer_clear(&answer);
}

static void a_full_slot_says_how_many_it_holds(void **state)
{
    struct answer answer;

    fill(*state, 1, LIMIT_KEYS_PER_CALL);
    fill(*state, LIMIT_KEYS_PER_CALL + 1, LIMIT_KEYS_PER_CALL);
    put_some(*state, 2 * LIMIT_KEYS_PER_CALL + 1, 57, &answer);
    assert_true(answer_is(&answer, 409, "keys_full"));
    assert_string_equal(answer_text(&answer, "slot"), EC);
    assert_int_equal(answer_int(&answer, "held"), 200);
    assert_int_equal(answer_int(&answer, "max"), LIMIT_KEYS_STORED);
    answer_clear(&answer);
    put_some(*state, 1, LIMIT_KEYS_PER_CALL + 1, &answer);
    assert_true(answer_is(&answer, 422, "key_invalid"));
    assert_string_equal(answer_text(&answer, "reason"), "too_many");
    answer_clear(&answer);
}

static void keys_are_removed_by_id_or_all_of_a_slot(void **state)
{
    struct answer answer;

    fill(*state, 1, 4);
    delete_keys(*state, "{\"slots\":{\"" EC "\":[1,3,77]}}", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(count_of(&answer, EC), 2);
    answer_clear(&answer);
    delete_keys(*state, "{\"slots\":[\"" EC "\",\"x.test\"]}", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(count_of(&answer, EC), 0);
    answer_clear(&answer);
}

static void a_removal_that_is_malformed_names_the_member(void **state)
{
    static const struct refusal cases[] = {
        { "{}", 400, "malformed", "slots" },
        { "{\"slots\":7}", 400, "malformed", "slots" },
        { "{\"slots\":[7]}", 400, "malformed", "slots" },
        { "{\"slots\":[\"x.none\"]}", 422, "slot_unknown", "x.none" },
        { "{\"slots\":[\"" EC "\",\"" EC "\"]}", 422, "value_invalid", "slots" },
        { "{\"slots\":{\"" EC "\":7}}", 400, "malformed", "slots." EC },
        { "{\"slots\":{\"" EC "\":[\"7\"]}}", 400, "malformed", "slots." EC },
        { "{\"slots\":[],\"replace\":[]}", 400, "malformed", "replace" },
    };
    struct answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        delete_keys(*state, cases[i].body, &answer);
        assert_true(answer_is(&answer, cases[i].status, cases[i].code));
        assert_string_equal(named_by(&answer), cases[i].member);
        answer_clear(&answer);
    }
}

static void check(struct setting *setting, bool right, struct answer *out)
{
    static const uint8_t label[] = "sealpost/keys-check/1";
    const struct bytes input = bytes_of(label, sizeof label);
    uint8_t digest[CRYPTO_SHA256_BYTES]; /* of no keys */
    char body[DESK_FIELD_BYTES];
    char *text = NULL;

    crypto_sha256(&input, 1, digest);
    digest[0] ^= right ? 0 : 1;
    text = base64url_text(bytes_of(digest, sizeof digest));
    (void)snprintf(body, sizeof body, "{\"digest\":\"%s\"}", text);
    call(setting, setting->ada_token, "POST", "/v1/keys/check", body, out);
    free(text);
}

static void a_digest_is_right_or_wrong_or_none(void **state)
{
    struct setting *setting = *state;
    struct answer answer;

    check(setting, true, &answer);
    assert_int_equal(answer.status, 204);
    answer_clear(&answer);
    check(setting, false, &answer);
    assert_true(answer_is(&answer, 409, "keys_differ"));
    answer_clear(&answer);
    fill(setting, 1, 1);
    check(setting, true, &answer);
    assert_true(answer_is(&answer, 409, "keys_differ"));
    answer_clear(&answer);
    call(setting, setting->ada_token, "POST", "/v1/keys/check", "{\"digest\":\"AAAA\"}", &answer);
    assert_true(answer_is(&answer, 400, "malformed"));
    assert_string_equal(answer_text(&answer, "member"), "digest");
    answer_clear(&answer);
}

/* Claim as bob; rest is what stands behind the account in the body. */
static void claim(struct setting *setting, const struct account_id *account, const char *rest,
                  struct answer *out)
{
    char *id = base64url_text(bytes_of(account->raw, sizeof account->raw));
    char body[DESK_FIELD_BYTES];

    (void)snprintf(body, sizeof body, "{\"account_id\":\"%s\"%s}", id, rest);
    call(setting, setting->bob_token, "POST", "/v1/keys/claim", body, out);
    free(id);
}

static void a_claim_gives_the_chain_and_a_key_of_each_device(void **state)
{
    struct setting *setting = *state;
    char *pub = base64url_text(bytes_of(setting->ada.devices[0].pub.raw, DEVICE_PUB_BYTES));
    char *manifest = base64url_text(buf_view(&setting->ada.manifest));
    const json_t *device = NULL;
    const json_t *key = NULL;
    struct answer answer;

    fill(setting, 7, 1);
    claim(setting, &setting->ada.account_id, ",\"slots\":[\"" EC "\"]", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer_int(&answer, "epoch"), 0);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(answer.json, "manifests"), 0)), manifest);
    device = json_array_get(json_object_get(answer.json, "devices"), 0);
    assert_int_equal(json_integer_value(json_object_get(device, "device_id")), 1);
    assert_string_equal(json_string_value(json_object_get(device, "device_pub")), pub);
    key = json_object_get(json_object_get(device, "keys"), EC);
    assert_int_equal(json_integer_value(json_object_get(key, "id")), 7);
    assert_true(json_is_false(json_object_get(key, "last_resort")));
    answer_clear(&answer);
    claim(setting, &setting->ada.account_id, ",\"slots\":[\"" EC "\"],\"since\":0", &answer);
    assert_int_equal(json_array_size(json_object_get(answer.json, "manifests")), 0);
    device = json_array_get(json_object_get(answer.json, "devices"), 0);
    assert_int_equal(json_object_size(json_object_get(device, "keys")), 0);
    answer_clear(&answer);
    free(manifest);
    free(pub);
}

static void a_claim_that_is_malformed_names_the_member(void **state)
{
    static const struct refusal cases[] = {
        { "", 400, "malformed", "slots" },
        { ",\"slots\":{}", 400, "malformed", "slots" },
        { ",\"slots\":[7]", 400, "malformed", "slots" },
        { ",\"slots\":[]", 422, "value_invalid", "slots" },
        { ",\"slots\":[\"" EC "\",\"" EC "\"]", 422, "value_invalid", "slots" },
        { ",\"slots\":[\"x.none\"]", 422, "slot_unknown", "x.none" },
        { ",\"slots\":[\"" EC "\"],\"devices\":[]", 422, "value_invalid", "devices" },
        { ",\"slots\":[\"" EC "\"],\"devices\":[0]", 422, "value_invalid", "devices" },
        { ",\"slots\":[\"" EC "\"],\"devices\":[128]", 422, "value_invalid", "devices" },
        { ",\"slots\":[\"" EC "\"],\"devices\":[\"1\"]", 400, "malformed", "devices" },
        { ",\"slots\":[\"" EC "\"],\"since\":-1", 422, "value_invalid", "since" },
        { ",\"slots\":[\"" EC "\"],\"extra\":1", 400, "malformed", "extra" },
    };
    struct setting *setting = *state;
    struct answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        claim(setting, &setting->ada.account_id, cases[i].body, &answer);
        assert_true(answer_is(&answer, cases[i].status, cases[i].code));
        assert_string_equal(named_by(&answer), cases[i].member);
        answer_clear(&answer);
    }
    call(setting, setting->bob_token, "POST", "/v1/keys/claim",
         "{\"account_id\":\"AAAA\",\"slots\":[\"" EC "\"]}", &answer);
    assert_true(answer_is(&answer, 400, "malformed"));
    assert_string_equal(answer_text(&answer, "member"), "account_id");
    answer_clear(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_upload_is_answered_with_what_is_there),
        TEST(calls_need_a_session),
        TEST(changes_need_a_command_that_works_once),
        TEST(an_upload_that_is_malformed_names_the_member),
        TEST(a_key_that_is_refused_is_named_with_its_reason),
        TEST(a_conflict_names_the_ids),
        TEST(a_full_slot_says_how_many_it_holds),
        TEST(keys_are_removed_by_id_or_all_of_a_slot),
        TEST(a_removal_that_is_malformed_names_the_member),
        TEST(a_digest_is_right_or_wrong_or_none),
        TEST(a_claim_gives_the_chain_and_a_key_of_each_device),
        TEST(a_claim_that_is_malformed_names_the_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
