/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

enum {
    CACHE_MAX = 3,
    DEVICE_COUNT = 8
};

static struct temp_domain temp;
static struct temp_sent sent;

/* Devices 1..8 of one account, and room for three of them in memory. */
static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    mailboxes_destroy(temp.domain.mailboxes);
    temp.domain.mailboxes = mailboxes_create(temp.domain.keys.tag, CACHE_MAX);
    for (uint32_t n = 1; n <= DEVICE_COUNT; n++) {
        temp_domain_device(&temp, 1, n);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

static struct mailbox *cached(uint32_t n)
{
    struct device_pub pub = temp_domain_pub(n);

    return mailboxes_cached(temp.domain.mailboxes, &pub);
}

/* What was found in memory at the moment a load was done. */
struct loaded {
    bool done;
    bool ok;
    size_t count;
    uint32_t numbers[DEVICE_COUNT];
    bool found[DEVICE_COUNT];
};

static void on_loaded(void *arg, bool ok)
{
    struct loaded *loaded = arg;

    assert_false(loaded->done);
    for (size_t i = 0; i < loaded->count; i++) {
        loaded->found[i] = cached(loaded->numbers[i]) != NULL;
    }
    loaded->ok = ok;
    loaded->done = true;
}

static void load_begin(const uint32_t *numbers, size_t count, struct loaded *out)
{
    struct device_pub pubs[DEVICE_COUNT];

    *out = (struct loaded){ .count = count };
    for (size_t i = 0; i < count; i++) {
        out->numbers[i] = numbers[i];
        pubs[i] = temp_domain_pub(numbers[i]);
    }
    mailboxes_load(&temp.domain, pubs, count, on_loaded, out);
    assert_false(out->done);
}

static void load(const uint32_t *numbers, size_t count, struct loaded *out)
{
    load_begin(numbers, count, out);
    temp_store_wait(&temp.temp, &out->done);
    assert_true(out->ok);
}

static size_t cached_count(void)
{
    size_t count = 0;

    for (uint32_t n = 1; n <= DEVICE_COUNT; n++) {
        count += cached(n) != NULL ? 1 : 0;
    }
    return count;
}

static void a_load_finds_mailboxes_and_only_those(void **state)
{
    const uint32_t numbers[] = { 1, 99, 2 };
    struct loaded loaded;

    (void)state;
    assert_null(cached(1));
    load(numbers, 3, &loaded);
    assert_true(loaded.found[0]);
    assert_false(loaded.found[1]);
    assert_true(loaded.found[2]);
    assert_int_equal(cached(2)->number, 2);
    assert_int_equal(cached(2)->account, 1);
    assert_int_equal(cached(2)->account_id.raw[0], 0xaa);
    assert_int_equal(cached(2)->device_id, 2);
    assert_int_equal(cached(2)->pins, 0);
    assert_false(cached(2)->closed);
}

static void counters_are_those_of_the_rows(void **state)
{
    static struct temp_sent refused;
    const uint32_t number = 1;
    struct loaded loaded;

    (void)state;
    temp_domain_send(&temp, 1, 1, "12345", &sent);
    temp_domain_send(&temp, 1, 2, "678", &sent);
    temp_domain_send(&temp, 2, 3, "not of this mailbox", &sent);
    temp.domain.settings.mailbox_max_envelopes = 2;
    temp_domain_send(&temp, 1, 4, "leaves a gap", &refused);
    assert_int_equal(refused.outcome.result, ENVELOPE_MAILBOX_FULL);
    assert_int_equal(cached(1)->envelope_count, 2);
    assert_int_equal(cached(1)->envelope_bytes, 8);
    mailboxes_forget(temp.domain.mailboxes, &(struct device_pub){ { 0 } }); /* a stranger */
    mailboxes_forget(temp.domain.mailboxes, &cached(1)->pub);
    load(&number, 1, &loaded);
    assert_int_equal(cached(1)->envelope_count, 2);
    assert_int_equal(cached(1)->envelope_bytes, 8);
}

static void a_closed_mailbox_is_loaded_as_closed(void **state)
{
    const uint32_t numbers[] = { 1, 2 };
    struct loaded loaded;

    (void)state;
    scene_run(&temp, "UPDATE devices SET idle_state = mailbox WHERE mailbox IN (1, 2)");
    load(numbers, 2, &loaded);
    assert_false(cached(1)->closed); /* others were told of it: no more */
    assert_true(cached(2)->closed);
}

static void the_cache_lets_go_of_what_was_loaded_first(void **state)
{
    struct loaded loaded;

    (void)state;
    for (uint32_t n = 1; n <= 5; n++) {
        load(&n, 1, &loaded);
        assert_true(loaded.found[0]);
        assert_true(cached_count() <= CACHE_MAX);
    }
    assert_null(cached(1));
    assert_null(cached(2));
    assert_non_null(cached(3));
    assert_non_null(cached(5));
}

static void the_cache_never_lets_go_of_what_is_pinned(void **state)
{
    struct mailbox *pinned = NULL;
    struct loaded loaded;
    uint32_t n = 1;

    (void)state;
    load(&n, 1, &loaded);
    pinned = cached(1);
    mailboxes_pin(pinned);
    for (n = 2; n <= 6; n++) {
        load(&n, 1, &loaded);
    }
    assert_ptr_equal(cached(1), pinned);
    mailboxes_unpin(pinned);
    assert_ptr_equal(cached(1), pinned);
    for (n = 7; n <= 8; n++) {
        load(&n, 1, &loaded);
    }
    assert_null(cached(1));
}

static void a_load_larger_than_the_cache_is_whole_for_its_caller(void **state)
{
    const uint32_t numbers[] = { 1, 2, 3, 4, 5, 6 };
    struct loaded loaded;

    (void)state;
    load(numbers, 6, &loaded);
    for (size_t i = 0; i < 6; i++) {
        assert_true(loaded.found[i]);
    }
}

/* Else a recipient with a mailbox is told to be unknown. */
static void a_load_keeps_what_it_found_in_memory(void **state)
{
    const uint32_t first[] = { 1, 2, 3 };
    const uint32_t second[] = { 1, 4, 5 };
    struct loaded loaded;

    (void)state;
    load(first, 3, &loaded);
    load(second, 3, &loaded);
    assert_true(loaded.found[0]);
    assert_true(loaded.found[1]);
    assert_true(loaded.found[2]);
    assert_int_equal(cached(1)->pins, 0);
}

static void loads_side_by_side_take_nothing_from_each_other(void **state)
{
    const uint32_t first[] = { 1, 2, 3 };
    const uint32_t second[] = { 1, 2, 4 };
    const uint32_t third[] = { 5, 6, 7 };
    struct loaded loaded[3];

    (void)state;
    load(first, 3, &loaded[0]);
    load_begin(second, 3, &loaded[1]);
    load_begin(third, 3, &loaded[2]);
    temp_store_wait(&temp.temp, &loaded[1].done);
    temp_store_wait(&temp.temp, &loaded[2].done);
    for (size_t i = 0; i < 3; i++) {
        assert_true(loaded[1].found[i]);
        assert_true(loaded[2].found[i]);
    }
}

static void a_mailbox_loaded_twice_at_once_is_one(void **state)
{
    const uint32_t number = 1;
    struct loaded loaded[2];
    struct mailbox *mailbox = NULL;

    (void)state;
    load_begin(&number, 1, &loaded[0]);
    load_begin(&number, 1, &loaded[1]);
    temp_store_wait(&temp.temp, &loaded[0].done);
    mailbox = cached(1);
    temp_store_wait(&temp.temp, &loaded[1].done);
    assert_ptr_equal(cached(1), mailbox);
}

static void a_forgotten_mailbox_lives_until_it_is_unpinned(void **state)
{
    struct device_pub pub = temp_domain_pub(1);
    struct mailbox *mailbox = temp_domain_mailbox(&temp, 1);

    (void)state;
    mailboxes_pin(mailbox);
    mailboxes_pin(mailbox);
    mailboxes_forget(temp.domain.mailboxes, &pub);
    assert_null(cached(1));
    assert_true(mailbox->gone);
    mailboxes_unpin(mailbox);
    assert_int_equal(mailbox->number, 1); /* AddressSanitizer would object */
    mailboxes_unpin(mailbox);
}

static void on_removed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct device_pub pub = temp_domain_pub(1);

    (void)rows;
    assert_int_equal(status, STORE_OK);
    mailboxes_forget(temp.domain.mailboxes, &pub);
    *(bool *)arg = true;
}

static const struct store_stmt remove_device = {
    .name = "test.remove_one",
    .sql = "DELETE FROM devices WHERE mailbox = 1",
};

/* Whichever is first: once both are done, nothing is known of a device that left. */
static void a_load_beside_a_removal_keeps_no_ghost(void **state)
{
    const uint32_t number = 1;

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct store_batch *batch = store_batch_create();
        struct loaded loaded;
        bool removed = false;

        store_batch_add(batch, &remove_device);
        store_submit(temp.domain.store, &batch, on_removed, &removed);
        load_begin(&number, 1, &loaded);
        temp_store_wait(&temp.temp, &removed);
        temp_store_wait(&temp.temp, &loaded.done);
        assert_null(cached(1));
        temp_domain_device(&temp, 1, 1);
    }
}

static void a_full_mailbox_reopens_at_three_quarters_of_both_caps(void **state)
{
    struct mailbox *mailbox = temp_domain_mailbox(&temp, 1);

    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 8;
    temp.domain.settings.mailbox_max_bytes = 100;
    for (int i = 0; i < 8; i++) {
        mailboxes_count_in(mailbox, 12);
    }
    mailbox->refusing = true;
    mailboxes_count_out(&temp.domain, mailbox, 1, 30);
    assert_true(mailbox->refusing); /* 7 of 8 */
    mailboxes_count_out(&temp.domain, mailbox, 1, 0);
    assert_false(mailbox->refusing); /* 6 of 8, 66 of 100 */
    mailbox->refusing = true;
    mailboxes_count_in(mailbox, 11);
    mailboxes_count_out(&temp.domain, mailbox, 2, 0);
    assert_true(mailbox->refusing); /* 77 of 100 */
    mailboxes_count_out(&temp.domain, mailbox, 0, 2);
    assert_false(mailbox->refusing);
}

static void a_full_mailbox_reopens_when_the_caps_are_raised(void **state)
{
    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 1;
    temp_domain_send(&temp, 1, 1, "a", &sent);
    temp_domain_send(&temp, 1, 2, "b", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
    temp.domain.settings.mailbox_max_envelopes = 8;
    temp_domain_send(&temp, 1, 3, "c", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
}

static void sealing_forgets_every_open_gap(void **state)
{
    struct mailbox *mailbox = temp_domain_mailbox(&temp, 1);

    (void)state;
    mailboxes_begin_gaps(mailbox);
    for (size_t i = 0; i < MAILBOX_GAP_REASONS; i++) {
        mailbox->gaps[i] = (struct mailbox_gap){ .seq = 5, .count = 1 };
    }
    mailboxes_seal_gaps(mailbox);
    assert_null(mailbox->gaps);
    mailboxes_begin_gaps(mailbox);
    for (size_t i = 0; i < MAILBOX_GAP_REASONS; i++) {
        assert_int_equal(mailbox->gaps[i].seq, 0);
    }
}

int main(void)
{
#define MAILBOX_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        MAILBOX_TEST(a_load_finds_mailboxes_and_only_those),
        MAILBOX_TEST(counters_are_those_of_the_rows),
        MAILBOX_TEST(a_closed_mailbox_is_loaded_as_closed),
        MAILBOX_TEST(the_cache_lets_go_of_what_was_loaded_first),
        MAILBOX_TEST(the_cache_never_lets_go_of_what_is_pinned),
        MAILBOX_TEST(a_load_larger_than_the_cache_is_whole_for_its_caller),
        MAILBOX_TEST(a_load_keeps_what_it_found_in_memory),
        MAILBOX_TEST(loads_side_by_side_take_nothing_from_each_other),
        MAILBOX_TEST(a_mailbox_loaded_twice_at_once_is_one),
        MAILBOX_TEST(a_forgotten_mailbox_lives_until_it_is_unpinned),
        MAILBOX_TEST(a_load_beside_a_removal_keeps_no_ghost),
        MAILBOX_TEST(a_full_mailbox_reopens_at_three_quarters_of_both_caps),
        MAILBOX_TEST(a_full_mailbox_reopens_when_the_caps_are_raised),
        MAILBOX_TEST(sealing_forgets_every_open_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
