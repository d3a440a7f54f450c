/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are not what was written: what the disk, or a hand, has done to them. */
#include <string.h>

#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS

enum {
    LONGEST_S = 2592000
};

static struct temp_domain temp;
static struct temp_sent sent;
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

/* Send count bodies "a", "b", ... to device 1 and write their seqs. */
static void send_letters(size_t count, int64_t *out_seqs)
{
    for (size_t i = 0; i < count; i++) {
        const char body[2] = { (char)('a' + i), '\0' };
        temp_domain_send_at(&temp, 1, body, LONGEST_S, NOW_MS, &sent);
    }
    temp_domain_read(&temp, 1, 0, NOW_MS, &page);
    assert_int_equal(page.count, count);
    for (size_t i = 0; i < count; i++) {
        out_seqs[i] = page.items[i].seq;
    }
}

static void read_page(int64_t after, size_t item_max, int64_t byte_max)
{
    temp_domain_read_page(
        &temp, 1,
        &(struct mail_page){
            .after = after, .item_max = item_max, .byte_max = byte_max, .now_ms = NOW_MS },
        &page);
    assert_true(page.ok);
}

static void assert_page(const char *letters, bool more)
{
    assert_int_equal(page.count, strlen(letters));
    for (size_t i = 0; i < page.count; i++) {
        assert_int_equal(page.bodies[i][0], letters[i]);
    }
    assert_int_equal(page.more, more);
}

/* Change one byte of the delivered part of a row, of its checksum or of its format. */
static void a_row_with_a_flipped_byte_is_never_served(void **state)
{
    int64_t seqs[4];

    (void)state;
    send_letters(4, seqs);
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
    read_page(0, 128, 1000);
    assert_page("d", false);
}

static void a_row_in_the_wrong_place_is_never_served(void **state)
{
    int64_t seqs[2];

    (void)state;
    send_letters(2, seqs);
    damage_run(&temp,
               "UPDATE envelopes SET mailbox = 2 WHERE seq = (SELECT min(seq) FROM envelopes)",
               "UPDATE envelopes SET mailbox = 2"); /* there the id stands for the seq */
    damage_run(&temp, "UPDATE envelopes SET seq = seq + 7 WHERE mailbox = 1",
               "UPDATE envelopes SET seq = seq + 7 WHERE mailbox = 2");
    read_page(0, 128, 1000);
    assert_page("", false);
    temp_domain_read(&temp, 2, 0, NOW_MS, &page);
    assert_page("", false);
}

static void a_row_of_the_wrong_kind_is_never_served(void **state)
{
    int64_t seqs[2];

    (void)state;
    send_letters(2, seqs);
    scene_run(&temp, "UPDATE envelopes SET kind = 1 WHERE seq = (SELECT min(seq) FROM envelopes)");
    scene_run(&temp, "UPDATE envelopes SET id = '' WHERE kind = 0");
    read_page(0, 128, 1000);
    assert_page("", false);
    temp_domain_restart(&temp); /* which looks at the ids of the last ten minutes */
    read_page(0, 128, 1000);
    assert_page("", false);
}

static void a_row_cut_short_is_never_served(void **state)
{
    int64_t seqs[3];

    (void)state;
    send_letters(3, seqs);
    scene_run(&temp, "UPDATE envelopes SET body = '' WHERE seq = (SELECT min(seq) FROM"
                     " envelopes)");
    scene_run(&temp, "UPDATE envelopes SET body = substr(body, 1, 16)"
                     " WHERE seq = (SELECT max(seq) FROM envelopes)");
    read_page(0, 128, 1000);
    assert_page("b", false);
}

static void a_page_of_damaged_rows_hides_nothing_behind_it(void **state)
{
    int64_t seqs[6];

    (void)state;
    send_letters(6, seqs);
    scene_run(&temp, "UPDATE envelopes SET body = '' WHERE seq < (SELECT max(seq) FROM"
                     " envelopes)");
    read_page(0, 2, 1000);
    assert_page("f", page.more);
    read_page(seqs[5], 2, 1000);
    assert_page("", false);
}

static void a_damaged_row_does_not_end_the_listing(void **state)
{
    int64_t seqs[6];

    (void)state;
    send_letters(6, seqs);
    scene_run(&temp, "UPDATE envelopes SET body = '' WHERE seq = (SELECT min(seq) + 1 FROM"
                     " envelopes)");
    read_page(0, 3, 1000);
    assert_int_equal(page.bodies[0][0], 'a');
    assert_int_equal(page.bodies[1][0], 'c');
    assert_true(page.more);
    read_page(page.items[page.count - 1].seq, 128, 1000);
    assert_page(page.count == 3 ? "def" : "ef", false);
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
