/* SPDX-License-Identifier: Apache-2.0 */
/* Links over HTTP: who is taken for whom, and waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/limits.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "server/domain/link_watches.h"
#include "tests/api/desk.h"
#include "tests/support/unit.h"

enum {
    BODY_BYTES = 512,
    TOKEN_BYTES = 64
};

struct setting {
    struct desk desk;
    struct person ada;            /* registered: devices 1 (ADMIN) and 2 */
    char token[DESK_TOKEN_BYTES]; /* of device 1 */
    char link[TOKEN_BYTES];       /* the id of a link, and its token */
    char link_token[TOKEN_BYTES];
};

static void begin(struct setting *setting, const char *more, struct answer *out)
{
    struct manifest_device device = { .key_count = 0 };
    struct person_device key;
    struct buf entry = { 0 };
    char body[BODY_BYTES];

    person_key(&key);
    device.pub = key.pub;
    link_entry_build(&device, &entry);
    char *text = base64url_text(buf_view(&entry));
    (void)snprintf(body, sizeof body, "{\"entry\":\"%s\"%s}", text, more);
    desk_call(&setting->desk,
              &(struct request){ .method = "POST", .path = "/v1/links", .body = body }, out);
    free(text);
    buf_clear(&entry);
}

static int set_up(void **state)
{
    struct setting *setting = mem_zeroed(1, sizeof *setting);
    struct answer answer;

    desk_open(&setting->desk);
    person_init(&setting->ada, 2);
    scene_register(&setting->desk.temp, &setting->ada);
    desk_login(&setting->desk, &setting->ada, person_device(&setting->ada, 1), setting->token);
    begin(setting, "", &answer);
    assert_int_equal(answer.status, 201);
    (void)snprintf(setting->link, sizeof setting->link, "%s", answer_text(&answer, "link_id"));
    (void)snprintf(setting->link_token, sizeof setting->link_token, "%s",
                   answer_text(&answer, "token"));
    answer_clear(&answer);
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

static void call(struct setting *setting, const char *token, const char *rest, const char *body,
                 struct answer *out)
{
    char path[DESK_PATH_BYTES];

    (void)snprintf(path, sizeof path, "/v1/links/%s%s", setting->link, rest);
    desk_call(
        &setting->desk,
        &(struct request){
            .method = body == NULL ? "GET" : "POST", .path = path, .token = token, .body = body },
        out);
}

/* Make a call, and expect that it is refused so. */
static void refused(struct setting *setting, const char *token, const char *rest, const char *body,
                    int status, const char *code)
{
    struct answer answer;

    call(setting, token, rest, body, &answer);
    assert_true(answer_is(&answer, status, code));
    answer_clear(&answer);
}

static void both_sides_read_and_others_do_not(void **state)
{
    struct setting *setting = *state;
    const char *const tokens[] = { setting->token, setting->link_token };
    struct answer answer;

    for (size_t i = 0; i < 2; i++) {
        call(setting, tokens[i], "", NULL, &answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer_text(&answer, "state"), "created");
        assert_int_equal(answer_int(&answer, "version"), 1);
        answer_clear(&answer);
    }
    refused(setting, NULL, "", NULL, 401, "session_invalid");
    refused(setting, "sp1_AAAA", "", NULL, 401, "session_invalid");
    refused(setting, "spl1_AAAA", "", NULL, 404, "link_unknown");
    setting->link_token[8] = setting->link_token[8] == 'A' ? 'B' : 'A';
    refused(setting, setting->link_token, "", NULL, 404, "link_unknown");
    setting->link[0] = '\0';
    refused(setting, setting->token, "x", NULL, 400, "malformed");
}

static void a_step_is_for_its_side_at_its_version(void **state)
{
    struct setting *setting = *state;
    struct answer answer;

    refused(setting, setting->link_token, "/claim", "{\"version\":1}", 401, "session_invalid");
    refused(setting, setting->token, "/claim", "{\"version\":2}", 409, "link_conflict");
    refused(setting, setting->token, "/claim", "{}", 400, "malformed");
    call(setting, setting->token, "/claim", "{\"version\":1}", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer_int(&answer, "version"), 2);
    answer_clear(&answer);
    refused(setting, setting->token, "/candidate", "{\"version\":2,\"manifest\":\"AAAA\"}", 422,
            "manifest_invalid");
    refused(setting, setting->link_token, "/messages", "{\"version\":2,\"body\":\"\"}", 422,
            "value_invalid");
    call(setting, setting->link_token, "/deny", "{}", &answer);
    assert_string_equal(answer_text(&answer, "state"), "denied");
    answer_clear(&answer);
    refused(setting, setting->link_token, "/messages", "{\"version\":3,\"body\":\"AAAA\"}", 409,
            "link_conflict");
}

static void a_beginning_is_judged_by_its_form(void **state)
{
    static const char *const wrong[] = {
        ",\"name\":\"\"", ",\"name\":\"a\\u0007b\"", ",\"handle\":\"-\"",
        ",\"grant\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
    };
    struct setting *setting = *state;
    struct answer answer;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        begin(setting, wrong[i], &answer);
        assert_true(answer_is(&answer, 422, "value_invalid"));
        answer_clear(&answer);
    }
    begin(setting, ",\"unknown\":1", &answer);
    assert_true(answer_is(&answer, 400, "malformed"));
    answer_clear(&answer);
    begin(setting, ",\"name\":\"phone\"", &answer);
    assert_int_equal(answer.status, 201);
    answer_clear(&answer);
}

/* A relay that stops lets nobody wait, nor does one that has as many as it may. */
static void a_wait_that_cannot_be_is_answered_at_once(void **state)
{
    struct setting *setting = *state;
    struct answer answer;

    call(setting, setting->token, "?wait=60&version=7", NULL, &answer);
    assert_int_equal(answer_int(&answer, "version"), 1);
    answer_clear(&answer);
    setting->desk.api.draining = true;
    call(setting, setting->token, "?wait=60&version=1", NULL, &answer);
    assert_int_equal(answer_int(&answer, "version"), 1);
    answer_clear(&answer);
    desk_now_ms += (LIMIT_LINK_S + 1) * INT64_C(1000);
    setting->desk.api.draining = false;
    call(setting, setting->link_token, "?wait=60&version=1", NULL, &answer);
    assert_string_equal(answer_text(&answer, "state"), "expired");
    answer_clear(&answer);
    assert_int_equal(link_watches_count(setting->desk.temp.domain.link_watches), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(both_sides_read_and_others_do_not),
        TEST(a_step_is_for_its_side_at_its_version),
        TEST(a_beginning_is_judged_by_its_form),
        TEST(a_wait_that_cannot_be_is_answered_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
