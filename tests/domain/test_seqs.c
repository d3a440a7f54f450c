/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/crypto.h"
#include "server/domain/dedup.h"
#include "server/domain/seqs.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS
#define START_JUMP (INT64_C(1) << 28)
#define RESTORE_JUMP (INT64_C(1) << 32)

static struct temp_domain temp;
static struct temp_sent sent;
static struct temp_read page;

static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    temp_domain_device(&temp, 1, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

struct beaten {
    bool done;
    int64_t heartbeat;
};

static void hear_beat(void *arg, int64_t heartbeat)
{
    struct beaten *beaten = arg;

    beaten->heartbeat = heartbeat;
    beaten->done = true;
}

static int64_t beat(void)
{
    struct beaten beaten = { false, 0 };

    seqs_beat(&temp.domain, hear_beat, &beaten);
    temp_store_wait(&temp.temp, &beaten.done);
    return beaten.heartbeat;
}

static int64_t newest_seq(void)
{
    return scene_count(&temp, "SELECT max(seq) FROM envelopes");
}

static void the_first_start_makes_the_row_of_the_relay(void **state)
{
    (void)state;
    SKIP_ON_POSTGRES();
    assert_int_equal(temp.domain.next_seq, START_JUMP + 1);
    assert_int_equal(temp.domain.generation, 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM relay"), 1);
    assert_int_equal(scene_count(&temp, "SELECT created_day FROM relay"), NOW_MS / 86400000);
    assert_int_equal(scene_count(&temp, "SELECT seq_floor FROM relay"), START_JUMP);
}

static void each_start_takes_up_numbers_above_all_before(void **state)
{
    int64_t last = 0;

    (void)state;
    for (int64_t start = 1; start <= 3; start++) {
        char body[2] = { (char)('a' + start), '\0' };
        temp_domain_send(&temp, 1, (uint8_t)start, body, &sent);
        assert_int_equal(newest_seq(), start * START_JUMP + 1);
        assert_true(newest_seq() > last);
        last = newest_seq();
        temp_domain_restart(&temp); /* without a beat: the row knows of none of these */
    }
}

static void a_beat_writes_how_far_the_numbers_went(void **state)
{
    int64_t next = 0;
    int64_t heartbeat = 0;

    (void)state;
    SKIP_ON_POSTGRES();
    temp_domain_send(&temp, 1, 1, "a", &sent);
    temp_domain_send(&temp, 1, 2, "b", &sent);
    heartbeat = beat();
    next = temp.domain.next_seq;
    assert_int_equal(scene_count(&temp, "SELECT seq_floor FROM relay"), next);
    assert_int_equal(beat(), heartbeat + 1);
    temp_domain_restart(&temp);
    assert_int_equal(temp.domain.next_seq, next + START_JUMP + 1);
    assert_int_equal(temp.domain.generation, 1);
}

static void a_start_raises_the_heartbeat_once(void **state)
{
    struct seqs_start start;
    int64_t heartbeat = beat();

    (void)state;
    start = temp_domain_restart_at(&temp, heartbeat, NOW_MS);
    assert_int_equal(start.heartbeat, heartbeat + 1);
    assert_false(start.restored);
    assert_int_equal(scene_count(&temp, "SELECT heartbeat FROM relay"), heartbeat + 1);
}

static void a_database_behind_its_copy_was_restored(void **state)
{
    struct seqs_start start;
    int64_t heartbeat = beat();
    int64_t floor = scene_count(&temp, "SELECT seq_floor FROM relay");

    (void)state;
    SKIP_ON_POSTGRES();
    start = temp_domain_restart_at(&temp, heartbeat + 1, NOW_MS);
    assert_true(start.restored);
    assert_int_equal(start.heartbeat, heartbeat + 2);
    assert_int_equal(temp.domain.generation, 2);
    assert_int_equal(temp.domain.next_seq, floor + RESTORE_JUMP + START_JUMP + 1);
    start = temp_domain_restart_at(&temp, start.heartbeat, NOW_MS); /* told once */
    assert_false(start.restored);
    assert_int_equal(temp.domain.generation, 2);
}

static void a_copy_that_is_behind_says_nothing(void **state)
{
    struct seqs_start start;
    int64_t heartbeat = beat();

    (void)state;
    start = temp_domain_restart_at(&temp, heartbeat - 1, NOW_MS); /* it is written second */
    assert_false(start.restored);
    assert_int_equal(temp.domain.generation, 1);
}

/* A backup on a new machine, without the copy that the documentation says to leave out. */
static void a_database_that_has_lived_without_a_copy_was_restored(void **state)
{
    struct seqs_start start;

    (void)state;
    start = temp_domain_restart_at(&temp, -1, NOW_MS); /* the first one wrote no copy */
    assert_false(start.restored);
    assert_int_equal(temp.domain.generation, 1);
    int64_t heartbeat = beat();
    int64_t floor = scene_count(&temp, "SELECT seq_floor FROM relay");
    start = temp_domain_restart_at(&temp, -1, NOW_MS);
    assert_int_equal(start.restored, !temp.domain.is_shared); /* there it is a daemon that joins */
    if (temp.domain.is_shared) {
        return;
    }
    assert_int_equal(start.heartbeat, heartbeat + 1);
    assert_int_equal(temp.domain.generation, 2);
    assert_int_equal(temp.domain.next_seq, floor + RESTORE_JUMP + START_JUMP + 1);
}

/* The database of the first beat comes back, and with it numbers that were given since. */
static void no_seq_is_given_twice_over_a_restore(void **state)
{
    int64_t given = 0;
    int64_t copy = 0;

    (void)state;
    (void)beat();
    for (int i = 0; i < 3; i++) {
        temp_domain_restart_at(&temp, 0, NOW_MS);
        temp_domain_send(&temp, 1, (uint8_t)i, "lost with the newer database", &sent);
    }
    copy = beat();
    given = newest_seq();
    scene_run(&temp, "DELETE FROM envelopes");
    scene_run(&temp, "UPDATE relay SET heartbeat = 2, seq_floor = 268435457");
    assert_true(temp_domain_restart_at(&temp, copy, NOW_MS).restored);
    temp_domain_send(&temp, 1, 9, "new", &sent);
    assert_true(newest_seq() > given);
}

static void the_operator_can_say_that_a_database_was_restored(void **state)
{
    struct beaten beaten = { false, 0 };
    int64_t heartbeat = beat();
    int64_t next = temp.domain.next_seq;

    (void)state;
    SKIP_ON_POSTGRES();
    seqs_declare_restored(&temp.domain, hear_beat, &beaten);
    temp_store_wait(&temp.temp, &beaten.done);
    assert_int_equal(beaten.heartbeat, heartbeat + 1);
    assert_int_equal(temp.domain.generation, 2);
    assert_int_equal(temp.domain.next_seq, next + RESTORE_JUMP);
    temp_domain_restart_at(&temp, beaten.heartbeat, NOW_MS);
    assert_int_equal(temp.domain.generation, 2);
    assert_true(temp.domain.next_seq > next + RESTORE_JUMP);
}

static void seqs_stay_below_two_to_the_53_for_a_lifetime(void **state)
{
    (void)state;
    /* Ten starts an hour for a hundred years, and a restore a day. */
    assert_true(INT64_C(8766000) * START_JUMP + INT64_C(36525) * RESTORE_JUMP < (INT64_C(1) << 53));
}

static void ids_of_the_last_ten_minutes_are_known_again(void **state)
{
    (void)state;
    SKIP_ON_POSTGRES();
    temp_domain_send_at(&temp, 1, "old", 3600, NOW_MS - 11 * INT64_C(60000), &sent);
    temp_domain_send_at(&temp, 1, "young", 3600, NOW_MS - 9 * INT64_C(60000), &sent);
    temp_domain_send_at(&temp, 1, "new", 3600, NOW_MS, &sent);
    temp.domain.settings.mailbox_max_envelopes = 3;
    temp_domain_send(&temp, 1, 5, "a gap has no id", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
    temp_domain_restart(&temp);
    assert_int_equal(dedup_count(temp.domain.dedup), 2);
    temp.domain.settings.mailbox_max_envelopes = 10;
    temp_domain_send(&temp, 1, 0, "young", &sent);
    assert_int_equal(sent.outcome.duplicates.count, 1);
    temp_domain_send(&temp, 1, 0, "new", &sent);
    assert_int_equal(sent.outcome.duplicates.count, 1);
    temp_domain_read(&temp, 1, 0, NOW_MS, &page);
    assert_int_equal(page.count, 4); /* three and the gap */
}

static void on_started(void *arg, const struct seqs_start *start)
{
    assert_true(start->ok);
    *(bool *)arg = true;
}

static bool is_known(uint8_t id)
{
    struct envelope_id name = { { id } };
    uint64_t tag = crypto_siphash(temp.domain.keys.tag, bytes_text("body"));
    struct dedup_name full = dedup_name_of(temp.domain.dedup, 1, &name, tag);

    return dedup_ask(temp.domain.dedup, &full, NOW_MS) == DEDUP_STORED;
}

static void the_newest_ids_are_loaded_and_give_way_last(void **state)
{
    bool started = false;

    (void)state;
    SKIP_ON_POSTGRES();
    for (uint8_t i = 0; i < 12; i++) {
        temp_domain_send(&temp, 1, i, "body", &sent);
    }
    dedup_destroy(temp.domain.dedup);
    temp.domain.dedup = dedup_create(temp.domain.keys.tag, 10);
    seqs_start(&temp.domain, 0, NOW_MS, on_started, &started);
    temp_store_wait(&temp.temp, &started);
    assert_int_equal(dedup_count(temp.domain.dedup), 10);
    assert_false(is_known(0) || is_known(1));
    assert_true(is_known(2) && is_known(11));
    temp_domain_send(&temp, 1, 12, "body", &sent);
    assert_false(is_known(2));
    assert_true(is_known(3) && is_known(11) && is_known(12));
}

int main(void)
{
#define SEQ_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SEQ_TEST(the_first_start_makes_the_row_of_the_relay),
        SEQ_TEST(each_start_takes_up_numbers_above_all_before),
        SEQ_TEST(a_beat_writes_how_far_the_numbers_went),
        SEQ_TEST(a_start_raises_the_heartbeat_once),
        SEQ_TEST(a_database_behind_its_copy_was_restored),
        SEQ_TEST(a_copy_that_is_behind_says_nothing),
        SEQ_TEST(a_database_that_has_lived_without_a_copy_was_restored),
        SEQ_TEST(no_seq_is_given_twice_over_a_restore),
        SEQ_TEST(the_operator_can_say_that_a_database_was_restored),
        cmocka_unit_test(seqs_stay_below_two_to_the_53_for_a_lifetime),
        SEQ_TEST(ids_of_the_last_ten_minutes_are_known_again),
        SEQ_TEST(the_newest_ids_are_loaded_and_give_way_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
