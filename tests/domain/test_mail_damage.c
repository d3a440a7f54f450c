/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are not what was written: what the disk, or a hand, has done to them. */
#include "tests/domain/support/damage.h"
#include "tests/domain/support/letters.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS

static struct temp_domain temp;
static struct temp_read page;

static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    temp_domain_device(&temp, 1, 1);
    temp_domain_device(&temp, 2, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

/* Change one byte of the delivered part of a row, of its checksum or of its format. */
static void a_row_with_a_flipped_byte_is_never_served(void **state)
{
    int64_t seqs[4];

    (void)state;
    letters_send(&temp, 4, &page, seqs);
    damage_run(&temp,
               "UPDATE envelopes SET body = CAST(substr(body, 1, 1) || x'7a' || substr(body, 3)"
               " AS BLOB) WHERE seq = (SELECT min(seq) FROM envelopes)",
               "UPDATE envelopes SET body = set_byte(body, 1, 122)"
               " WHERE seq = (SELECT min(seq) FROM envelopes)");
    damage_run(&temp,
               "UPDATE envelopes SET body = CAST(substr(body, 1, 17) || x'00' AS BLOB)"
               " WHERE seq = (SELECT min(seq) + 1 FROM envelopes) AND substr(body, 18, 1) <> x'00'",
               "UPDATE envelopes SET body = set_byte(body, 17, 255 - get_byte(body, 17))"
               " WHERE seq = (SELECT min(seq) + 1 FROM envelopes)");
    damage_run(&temp,
               "UPDATE envelopes SET body = CAST(x'01' || substr(body, 2) AS BLOB)"
               " WHERE seq = (SELECT min(seq) + 2 FROM envelopes)",
               "UPDATE envelopes SET body = set_byte(body, 0, 1)"
               " WHERE seq = (SELECT min(seq) + 2 FROM envelopes)");
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "d", false);
}

static void a_row_in_the_wrong_place_is_never_served(void **state)
{
    int64_t seqs[2];

    (void)state;
    letters_send(&temp, 2, &page, seqs);
    damage_run(&temp,
               "UPDATE envelopes SET mailbox = 2 WHERE seq = (SELECT min(seq) FROM envelopes)",
               "UPDATE envelopes SET mailbox = 2"); /* there the id stands for the seq */
    damage_run(&temp, "UPDATE envelopes SET seq = seq + 7 WHERE mailbox = 1",
               "UPDATE envelopes SET seq = seq + 7 WHERE mailbox = 2");
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "", false);
    temp_domain_read(&temp, 2, 0, NOW_MS, &page);
    letters_are(&page, "", false);
}

static void a_row_of_the_wrong_kind_is_never_served(void **state)
{
    int64_t seqs[2];

    (void)state;
    letters_send(&temp, 2, &page, seqs);
    scene_run(&temp, "UPDATE envelopes SET kind = 1 WHERE seq = (SELECT min(seq) FROM envelopes)");
    scene_run(&temp, "UPDATE envelopes SET id = '' WHERE kind = 0");
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "", false);
    temp_domain_restart(&temp); /* which looks at the ids of the last ten minutes */
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "", false);
}

static void a_row_cut_short_is_never_served(void **state)
{
    int64_t seqs[3];

    (void)state;
    letters_send(&temp, 3, &page, seqs);
    scene_run(&temp, "UPDATE envelopes SET body = '' WHERE seq = (SELECT min(seq) FROM"
                     " envelopes)");
    scene_run(&temp, "UPDATE envelopes SET body = substr(body, 1, 16)"
                     " WHERE seq = (SELECT max(seq) FROM envelopes)");
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "b", false);
}

static void a_page_of_damaged_rows_hides_nothing_behind_it(void **state)
{
    int64_t seqs[6];

    (void)state;
    letters_send(&temp, 6, &page, seqs);
    scene_run(&temp, "UPDATE envelopes SET body = '' WHERE seq < (SELECT max(seq) FROM"
                     " envelopes)");
    letters_read(&temp, &page, 0, 2, 1000);
    letters_are(&page, "f", page.more);
    letters_read(&temp, &page, seqs[5], 2, 1000);
    letters_are(&page, "", false);
}

static void a_damaged_row_does_not_end_the_listing(void **state)
{
    int64_t seqs[6];

    (void)state;
    letters_send(&temp, 6, &page, seqs);
    scene_run(&temp, "UPDATE envelopes SET body = '' WHERE seq = (SELECT min(seq) + 1 FROM"
                     " envelopes)");
    letters_read(&temp, &page, 0, 3, 1000);
    assert_int_equal(page.bodies[0][0], 'a');
    assert_int_equal(page.bodies[1][0], 'c');
    assert_true(page.more);
    letters_read(&temp, &page, page.items[page.count - 1].seq, 128, 1000);
    letters_are(&page, page.count == 3 ? "def" : "ef", false);
}
int main(void)
{
#define DAMAGE_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        DAMAGE_TEST(a_row_with_a_flipped_byte_is_never_served),
        DAMAGE_TEST(a_row_in_the_wrong_place_is_never_served),
        DAMAGE_TEST(a_row_of_the_wrong_kind_is_never_served),
        DAMAGE_TEST(a_row_cut_short_is_never_served),
        DAMAGE_TEST(a_page_of_damaged_rows_hides_nothing_behind_it),
        DAMAGE_TEST(a_damaged_row_does_not_end_the_listing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
