/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/mem.h"
#include "tests/api/desk.h"
#include "tests/support/unit.h"

enum {
    REST_BYTES = 40 /* of a path, behind the account */
};

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

static void register_person(struct desk *desk, const struct person *person, const char *invite,
                            struct answer *out)
{
    char *body = desk_manifest_json(person, invite);
    const struct request request = { .method = "POST", .path = "/v1/accounts", .body = body };

    desk_call(desk, &request, out);
    free(body);
}

static void path_of(const struct person *person, const char *rest, char out[DESK_PATH_BYTES])
{
    char *id = base64url_text(bytes_of(person->account_id.raw, sizeof person->account_id.raw));

    (void)snprintf(out, DESK_PATH_BYTES, "/v1/accounts/%s%s", id, rest);
    free(id);
}

static void read_account(struct setting *setting, const char *path, struct answer *out)
{
    const struct request request = { .method = "GET", .path = path, .token = setting->token };

    desk_call(&setting->desk, &request, out);
}

static void put(struct desk *desk, const struct person *person, uint64_t epoch, struct answer *out)
{
    char *body = desk_manifest_json(person, NULL);
    char path[DESK_PATH_BYTES];
    char rest[REST_BYTES];

    (void)snprintf(rest, sizeof rest, "/manifests/%llu", (unsigned long long)epoch);
    path_of(person, rest, path);
    desk_call(desk, &(struct request){ .method = "PUT", .path = path, .body = body }, out);
    free(body);
}

static bool holds_hash(const struct answer *answer, const struct person *person)
{
    char *hash = base64url_text(bytes_of(person->hash.raw, sizeof person->hash.raw));
    bool same = strcmp(answer_text(answer, "hash"), hash) == 0;

    free(hash);
    return same;
}

static void registering_is_201_and_again_200(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    struct person bob;

    person_init(&bob, 1);
    register_person(&setting->desk, &bob, NULL, &answer);
    assert_int_equal(answer.status, 201);
    assert_int_equal(answer_int(&answer, "epoch"), 0);
    assert_true(holds_hash(&answer, &bob));
    answer_clear(&answer);
    register_person(&setting->desk, &bob, NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(holds_hash(&answer, &bob));
    answer_clear(&answer);
    person_clear(&bob);
}

static void refusals_of_a_registration_have_their_codes(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    struct person bob;

    person_init(&bob, 2);
    setting->desk.temp.domain.settings.registration = DOMAIN_INVITE;
    register_person(&setting->desk, &bob, NULL, &answer);
    assert_true(answer_is(&answer, 403, "invite_invalid"));
    answer_clear(&answer);
    register_person(&setting->desk, &bob, "spi1_AAAAAAAAAAAAAAAAAAAAAA", &answer);
    assert_true(answer_is(&answer, 403, "invite_invalid"));
    answer_clear(&answer);
    register_person(&setting->desk, &bob, "", &answer);
    assert_true(answer_is(&answer, 403, "invite_invalid"));
    answer_clear(&answer);
    setting->desk.temp.domain.settings.registration = DOMAIN_CLOSED;
    register_person(&setting->desk, &bob, NULL, &answer);
    assert_true(answer_is(&answer, 403, "registration_closed"));
    answer_clear(&answer);
    setting->desk.temp.domain.settings.registration = DOMAIN_OPEN;
    person_take_key(person_device(&bob, 2), person_device(&setting->ada, 1));
    person_first(&bob);
    register_person(&setting->desk, &bob, NULL, &answer);
    assert_true(answer_is(&answer, 409, "device_key_used"));
    answer_clear(&answer);
    bob.manifest.at[bob.manifest.size - 1] ^= 1;
    register_person(&setting->desk, &bob, NULL, &answer);
    assert_true(answer_is(&answer, 422, "manifest_invalid"));
    assert_int_equal(answer_int(&answer, "rule"), 2);
    answer_clear(&answer);
    person_clear(&bob);
}

static void a_body_that_is_malformed_names_the_member(void **state)
{
    static const struct {
        const char *body;
        const char *member;
    } cases[] = {
        { "", "" },
        { "[]", "" },
        { "{", "" },
        { "{}", "manifest" },
        { "{\"manifest\":1}", "manifest" },
        { "{\"manifest\":\"A\"}", "manifest" },
        { "{\"manifest\":\"AA==\"}", "manifest" },
        { "{\"manifest\":\"AA\",\"manifest\":\"AA\"}", "manifest" },
        { "{\"manifest\":\"AA\",\"invite\":7}", "invite" },
        { "{\"manifest\":\"AA\",\"extra\":7}", "extra" },
    };
    struct setting *setting = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct request request = { .method = "POST",
                                         .path = "/v1/accounts",
                                         .body = cases[i].body };
        struct answer answer;

        desk_call(&setting->desk, &request, &answer);
        assert_true(answer_is(&answer, 400, "malformed"));
        assert_string_equal(answer_text(&answer, "member"), cases[i].member);
        answer_clear(&answer);
    }
}

static void reading_an_account_gives_its_chain(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    char path[DESK_PATH_BYTES];
    char *first = base64url_text(buf_view(&setting->ada.manifest));

    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->desk.temp, &setting->ada), MANIFESTS_STORED);
    path_of(&setting->ada, "", path);
    read_account(setting, path, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer_int(&answer, "epoch"), 1);
    assert_true(holds_hash(&answer, &setting->ada));
    assert_true(json_is_false(json_object_get(answer.json, "more")));
    assert_int_equal(json_array_size(json_object_get(answer.json, "manifests")), 2);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(answer.json, "manifests"), 0)), first);
    answer_clear(&answer);
    path_of(&setting->ada, "?since=0", path);
    read_account(setting, path, &answer);
    assert_int_equal(json_array_size(json_object_get(answer.json, "manifests")), 1);
    answer_clear(&answer);
    free(first);
}

static void reading_needs_a_session_an_id_and_known_parameters(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    char path[DESK_PATH_BYTES];

    path_of(&setting->ada, "", path);
    desk_call(&setting->desk, &(struct request){ .method = "GET", .path = path }, &answer);
    assert_true(answer_is(&answer, 401, "session_invalid"));
    answer_clear(&answer);
    read_account(setting, "/v1/accounts/abc", &answer);
    assert_true(answer_is(&answer, 400, "malformed"));
    assert_string_equal(answer_text(&answer, "member"), "account_id");
    answer_clear(&answer);
    read_account(setting, "/v1/accounts/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &answer);
    assert_true(answer_is(&answer, 404, "not_found"));
    answer_clear(&answer);
    path_of(&setting->ada, "?since=-1", path);
    read_account(setting, path, &answer);
    assert_true(answer_is(&answer, 400, "malformed"));
    assert_string_equal(answer_text(&answer, "member"), "since");
    answer_clear(&answer);
    path_of(&setting->ada, "?until=1", path);
    read_account(setting, path, &answer);
    assert_true(answer_is(&answer, 400, "malformed"));
    assert_string_equal(answer_text(&answer, "member"), "until");
    answer_clear(&answer);
}

static void putting_a_manifest_is_201_then_200_then_409_for_a_rival(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    struct person rival;
    char *winner = NULL;

    person_copy(&setting->ada, &rival);
    (void)person_add(&setting->ada, 3, 0);
    person_next(&setting->ada);
    put(&setting->desk, &setting->ada, 1, &answer);
    assert_int_equal(answer.status, 201);
    assert_int_equal(answer_int(&answer, "epoch"), 1);
    assert_true(holds_hash(&answer, &setting->ada));
    answer_clear(&answer);
    put(&setting->desk, &setting->ada, 1, &answer);
    assert_int_equal(answer.status, 200);
    answer_clear(&answer);
    person_next(&rival);
    put(&setting->desk, &rival, 1, &answer);
    winner = base64url_text(buf_view(&setting->ada.manifest));
    assert_true(answer_is(&answer, 409, "manifest_conflict"));
    assert_int_equal(answer_int(&answer, "epoch"), 1);
    assert_true(holds_hash(&answer, &setting->ada));
    assert_string_equal(answer_text(&answer, "manifest"), winner);
    answer_clear(&answer);
    free(winner);
    person_clear(&rival);
}

static void a_manifest_in_the_wrong_place_is_a_wrong_value(void **state)
{
    struct setting *setting = *state;
    struct answer answer;

    person_next(&setting->ada);
    put(&setting->desk, &setting->ada, 2, &answer);
    assert_true(answer_is(&answer, 422, "value_invalid"));
    assert_string_equal(answer_text(&answer, "member"), "epoch");
    answer_clear(&answer);
    setting->ada.account_id.raw[1] ^= 1;
    put(&setting->desk, &setting->ada, 1, &answer);
    assert_true(answer_is(&answer, 422, "value_invalid"));
    assert_string_equal(answer_text(&answer, "member"), "account_id");
    answer_clear(&answer);
}

static void refusals_of_a_manifest_have_their_codes(void **state)
{
    struct setting *setting = *state;
    struct answer answer;
    struct person stranger;

    person_init(&stranger, 1);
    person_next(&stranger);
    put(&setting->desk, &stranger, 1, &answer);
    assert_true(answer_is(&answer, 404, "not_found"));
    answer_clear(&answer);
    person_next(&setting->ada);
    setting->ada.manifest.at[setting->ada.manifest.size - 1] ^= 1;
    put(&setting->desk, &setting->ada, 1, &answer);
    assert_true(answer_is(&answer, 422, "manifest_invalid"));
    assert_int_equal(answer_int(&answer, "rule"), 5);
    answer_clear(&answer);
    person_clear(&stranger);
}

static void erase(struct setting *setting, uint32_t device_id, const char *token, const char *body,
                  struct answer *out)
{
    const struct sigbytes_command command = { .seq = (uint64_t)desk_now_ms,
                                              .op = COMMAND_ACCOUNT_DELETE,
                                              .payload = bytes_text(body) };
    struct request request = {
        .method = "DELETE", .path = "/v1/account", .token = token, .body = body
    };
    char field[DESK_FIELD_BYTES];

    desk_command(&setting->desk, &setting->ada, person_device(&setting->ada, device_id), &command,
                 field);
    request.fields = field;
    desk_call(&setting->desk, &request, out);
}

static void erasing_is_for_admins_and_for_good(void **state)
{
    struct setting *setting = *state;
    char second[DESK_TOKEN_BYTES];
    char body[DESK_FIELD_BYTES];
    struct answer answer;
    char *id = base64url_text(bytes_of(setting->ada.account_id.raw, ACCOUNT_ID_BYTES));

    (void)snprintf(body, sizeof body, "{\"account_id\":\"%s\"}", id);
    desk_login(&setting->desk, &setting->ada, person_device(&setting->ada, 2), second);
    erase(setting, 2, second, body, &answer);
    assert_true(answer_is(&answer, 403, "not_admin"));
    answer_clear(&answer);
    erase(setting, 1, setting->token,
          "{\"account_id\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", &answer);
    assert_true(answer_is(&answer, 422, "value_invalid"));
    assert_string_equal(answer_text(&answer, "member"), "account_id");
    answer_clear(&answer);
    erase(setting, 1, setting->token, body, &answer);
    assert_int_equal(answer.status, 204);
    answer_clear(&answer);
    erase(setting, 1, setting->token, body, &answer);
    assert_true(answer_is(&answer, 401, "session_invalid"));
    answer_clear(&answer);
    register_person(&setting->desk, &setting->ada, NULL, &answer);
    assert_true(answer_is(&answer, 410, "account_erased"));
    answer_clear(&answer);
    free(id);
}

static void the_report_is_the_callers_own(void **state)
{
    struct setting *setting = *state;
    const struct request request = { .method = "GET",
                                     .path = "/v1/account/report",
                                     .token = setting->token };
    char *id = base64url_text(bytes_of(setting->ada.account_id.raw, ACCOUNT_ID_BYTES));
    struct answer answer;
    const json_t *device = NULL;

    desk_call(&setting->desk, &request, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "account_id"), id);
    assert_int_equal(answer_int(&answer, "created_day"), SCENE_DAY * (DOMAIN_DAY_MS / 1000));
    assert_int_equal(json_array_size(json_object_get(answer.json, "devices")), 2);
    device = json_array_get(json_object_get(answer.json, "devices"), 0);
    assert_true(json_is_true(json_object_get(device, "admin")));
    assert_int_equal(json_array_size(json_object_get(device, "sessions")), 1);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(device, "mailbox"), "envelopes")), 0);
    answer_clear(&answer);
    free(id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registering_is_201_and_again_200),
        TEST(refusals_of_a_registration_have_their_codes),
        TEST(a_body_that_is_malformed_names_the_member),
        TEST(reading_an_account_gives_its_chain),
        TEST(reading_needs_a_session_an_id_and_known_parameters),
        TEST(putting_a_manifest_is_201_then_200_then_409_for_a_rival),
        TEST(a_manifest_in_the_wrong_place_is_a_wrong_value),
        TEST(refusals_of_a_manifest_have_their_codes),
        TEST(erasing_is_for_admins_and_for_good),
        TEST(the_report_is_the_callers_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
