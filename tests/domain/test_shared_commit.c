/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent at the same moment to one mailbox where the store is shared: one statement writes it. */
#include "server/domain/dedup.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS

static struct temp_domain here;
static struct temp_sent sent;
static struct temp_read page;

/* On SQLite each copy is a statement of its own. */
#define SHARED()                       \
    do {                               \
        if (!temp_store_is_shared()) { \
            skip();                    \
        }                              \
    } while (0)

/* Device 1 of account 1 has a mailbox that is known. */
static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&here);
    temp_domain_device(&here, 1, 1);
    assert_non_null(temp_domain_mailbox(&here, 1));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&here);
    return 0;
}

static void begin_three(const char *const bodies[3], const uint8_t ids[3], struct temp_sent many[3])
{
    for (size_t i = 0; i < 3; i++) {
        struct envelope_recipient recipient = { temp_domain_pub(1), bytes_text(bodies[i]) };
        struct envelope_send send = { .ttl_s = 60, .recipients = &recipient, .count = 1 };
        send.id.raw[0] = ids[i];
        temp_domain_begin(&here, &send, NOW_MS, &many[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        temp_domain_wait(&here, &many[i]);
    }
}

static void who_finds_no_room_leaves_none_for_those_behind(void **state)
{
    static const char *const bodies[] = { "123456", "123456", "12" };
    static const uint8_t ids[] = { 1, 2, 3 };
    static struct temp_sent many[3];

    (void)state;
    SHARED();
    here.domain.settings.mailbox_max_bytes = 10;
    begin_three(bodies, ids, many);
    assert_int_equal(many[0].outcome.stored, 1);
    assert_int_equal(many[1].outcome.full.count, 1);
    assert_int_equal(many[2].outcome.full.count, 1);
    assert_int_equal(scene_count(&here, "SELECT refusing FROM devices"), 1);
}

/* Memory holds one name, so it has forgotten the first while all three are under way. */
static void a_repeat_is_a_duplicate(void **state)
{
    static const char *const bodies[] = { "body", "another", "body" };
    static const uint8_t ids[] = { 1, 2, 1 };
    static const uint8_t key[16];
    static struct temp_sent many[3];

    (void)state;
    SHARED();
    dedup_destroy(here.domain.dedup);
    here.domain.dedup = dedup_create(key, 1);
    begin_three(bodies, ids, many);
    assert_int_equal(many[0].outcome.stored, 1);
    assert_int_equal(many[1].outcome.stored, 1);
    assert_int_equal(many[2].outcome.duplicates.count, 1);
    temp_domain_read(&here, 1, 0, NOW_MS, &page);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[1].seq, page.items[0].seq + 1);
}

/* "Duplicate" would say that it is stored. */
static void a_repeat_of_what_found_no_room_finds_none(void **state)
{
    static const char *const bodies[] = { "12345678901", "1", "12345678901" };
    static const uint8_t ids[] = { 1, 2, 1 };
    static const uint8_t key[16];
    static struct temp_sent many[3];

    (void)state;
    SHARED();
    here.domain.settings.mailbox_max_bytes = 10;
    dedup_destroy(here.domain.dedup);
    here.domain.dedup = dedup_create(key, 1);
    begin_three(bodies, ids, many);
    assert_int_equal(many[0].outcome.full.count, 1);
    assert_int_equal(many[2].outcome.duplicates.count, 0);
    assert_int_equal(many[2].outcome.full.count, 1);
}

static void envelopes_of_one_commit_are_announced_one_behind_the_other(void **state)
{
    static const char *const bodies[] = { "one", "two", "three" };
    static const uint8_t ids[] = { 1, 2, 3 };
    static struct temp_sent many[3];
    static struct temp_heard heard;

    (void)state;
    SHARED();
    temp_domain_send(&here, 1, 9, "before", &sent);
    temp_domain_read(&here, 1, 0, NOW_MS, &page);
    temp_domain_listen(&here, 1, &heard);
    heard.caught_up = true;
    begin_three(bodies, ids, many);
    assert_int_equal(heard.mail_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(heard.bodies[i], bodies[i]);
        assert_int_equal(heard.mails[i].before,
                         i == 0 ? page.items[0].seq : heard.mails[i - 1].seq);
    }
    temp_domain_unlisten(&here, &heard);
}

static void many_for_one_mailbox_change_its_row_once(void **state)
{
    static const char *const bodies[] = { "one", "two", "three" };
    static const uint8_t ids[] = { 1, 2, 3 };
    static struct temp_sent many[3];

    (void)state;
    SHARED();
    scene_run(&here, "CREATE SEQUENCE changed MINVALUE 0 START 0");
    scene_run(&here, "CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                     " PERFORM nextval(''changed''); RETURN NULL; END'");
    scene_run(&here, "CREATE TRIGGER tally AFTER UPDATE ON devices FOR EACH ROW"
                     " EXECUTE FUNCTION tally()");
    scene_run(&here, "SELECT nextval('changed')");
    begin_three(bodies, ids, many);
    assert_int_equal(many[2].outcome.stored, 1);
    assert_int_equal(scene_count(&here, "SELECT last_value FROM changed"), 1);
}

int main(void)
{
#define COMMIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        COMMIT_TEST(who_finds_no_room_leaves_none_for_those_behind),
        COMMIT_TEST(a_repeat_is_a_duplicate),
        COMMIT_TEST(a_repeat_of_what_found_no_room_finds_none),
        COMMIT_TEST(envelopes_of_one_commit_are_announced_one_behind_the_other),
        COMMIT_TEST(many_for_one_mailbox_change_its_row_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
