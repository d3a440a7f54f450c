/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto.h"
#include "server/domain/body.h"
#include "tests/support/unit.h"

enum {
    BODY_BYTES = 40,
    STORED_BYTES = BODY_BYTES + BODY_OVERHEAD_BYTES
};

static const int64_t mailbox = 7;
static const int64_t seq = INT64_C(0x1122334455667788);

static void finish(uint8_t stored[STORED_BYTES])
{
    for (size_t i = 0; i < BODY_BYTES; i++) {
        stored[1 + i] = (uint8_t)(i * 7);
    }
    body_finish(stored, STORED_BYTES, mailbox, seq);
}

static void what_was_finished_opens_as_it_was(void **state)
{
    uint8_t stored[STORED_BYTES];
    struct bytes body;

    (void)state;
    finish(stored);
    assert_true(body_open(bytes_of(stored, sizeof stored), mailbox, seq, &body));
    assert_ptr_equal(body.at, stored + 1);
    assert_int_equal(body.size, BODY_BYTES);
    assert_int_equal(stored[0], BODY_FORMAT_NUMBERED);
    assert_ptr_equal(body_inside(bytes_of(stored, sizeof stored)).at, stored + 1);
    assert_int_equal(body_inside(bytes_of(stored, sizeof stored)).size, BODY_BYTES);
}

static void every_flipped_bit_is_seen(void **state)
{
    uint8_t stored[STORED_BYTES];
    struct bytes body;

    (void)state;
    finish(stored);
    for (size_t bit = 0; bit < sizeof stored * 8; bit++) {
        stored[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(body_open(bytes_of(stored, sizeof stored), mailbox, seq, &body));
        stored[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_true(body_open(bytes_of(stored, sizeof stored), mailbox, seq, &body));
}

static void every_other_length_is_seen(void **state)
{
    uint8_t stored[STORED_BYTES + 1] = { 0 };
    struct bytes body;

    (void)state;
    finish(stored);
    for (size_t size = 0; size <= sizeof stored; size++) {
        assert_int_equal(body_open(bytes_of(stored, size), mailbox, seq, &body),
                         size == STORED_BYTES);
    }
}

static void a_body_opens_only_in_its_place(void **state)
{
    uint8_t stored[STORED_BYTES];
    struct bytes body;

    (void)state;
    finish(stored);
    assert_false(body_open(bytes_of(stored, sizeof stored), mailbox + 1, seq, &body));
    assert_false(body_open(bytes_of(stored, sizeof stored), mailbox, seq + 1, &body));
    assert_false(body_open(bytes_of(stored, sizeof stored), seq, seq, &body));
}

/* BLAKE2b-128 over the place, big-endian, and the bytes: the format of body.h, by hand. */
static void the_checksum_is_that_of_the_format(void **state)
{
    uint8_t stored[STORED_BYTES];
    uint8_t place[16] = { 0, 0, 0, 0, 0, 0, 0, 7, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };
    uint8_t tag[CRYPTO_TAG_BYTES];
    struct bytes parts[2] = { bytes_of(place, sizeof place), bytes_of(stored + 1, BODY_BYTES) };

    (void)state;
    finish(stored);
    crypto_tag(parts, 2, tag);
    assert_memory_equal(stored + 1 + BODY_BYTES, tag, sizeof tag);
}

static void an_empty_body_has_a_checksum_too(void **state)
{
    uint8_t stored[BODY_OVERHEAD_BYTES];
    struct bytes body;

    (void)state;
    body_finish(stored, sizeof stored, mailbox, seq);
    assert_true(body_open(bytes_of(stored, sizeof stored), mailbox, seq, &body));
    assert_int_equal(body.size, 0);
    assert_false(body_open(bytes_of(stored, sizeof stored), mailbox, 0, &body));
}

static const struct envelope_id sender_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                                16 } };

static void a_named_body_opens_by_its_name_in_its_mailbox_alone(void **state)
{
    uint8_t stored[STORED_BYTES] = { 0 };
    struct envelope_id other = sender_id;
    struct bytes form = bytes_of(stored, sizeof stored);
    struct bytes body;

    (void)state;
    memset(stored + 1, 0x5a, BODY_BYTES);
    body_finish_named(stored, sizeof stored, mailbox, &sender_id);
    assert_int_equal(stored[0], BODY_FORMAT_NAMED);
    assert_true(body_is_named(form));
    assert_true(body_open_named(form, mailbox, &sender_id, &body));
    assert_int_equal(body.size, BODY_BYTES);
    assert_false(body_open_named(form, mailbox + 1, &sender_id, &body));
    other.raw[15] ^= 1;
    assert_false(body_open_named(form, mailbox, &other, &body));
    stored[5] ^= 1;
    assert_false(body_open_named(form, mailbox, &sender_id, &body));
}

static void each_form_opens_only_as_itself(void **state)
{
    uint8_t stored[STORED_BYTES] = { 0 };
    struct bytes form = bytes_of(stored, sizeof stored);
    struct bytes body;

    (void)state;
    finish(stored);
    assert_false(body_is_named(form));
    assert_false(body_open_named(form, mailbox, &sender_id, &body));
    body_finish_named(stored, sizeof stored, mailbox, &sender_id);
    assert_false(body_open(form, mailbox, seq, &body));
    assert_false(body_is_named(bytes_of(NULL, 0)));
}

/* BLAKE2b-128 over mailbox, big-endian, id and bytes: the format of body.h, by hand. */
static void the_checksum_of_a_named_body_is_that_of_the_format(void **state)
{
    uint8_t stored[STORED_BYTES] = { 0 };
    uint8_t place[24] = { 0, 0, 0, 0, 0, 0,  0,  7,  1,  2,  3,  4,
                          5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
    uint8_t tag[CRYPTO_TAG_BYTES];
    struct bytes parts[2] = { bytes_of(place, sizeof place), bytes_of(stored + 1, BODY_BYTES) };

    (void)state;
    body_finish_named(stored, sizeof stored, mailbox, &sender_id);
    crypto_tag(parts, 2, tag);
    assert_memory_equal(stored + 1 + BODY_BYTES, tag, sizeof tag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_finished_opens_as_it_was),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(every_other_length_is_seen),
        cmocka_unit_test(a_body_opens_only_in_its_place),
        cmocka_unit_test(the_checksum_is_that_of_the_format),
        cmocka_unit_test(an_empty_body_has_a_checksum_too),
        cmocka_unit_test(a_named_body_opens_by_its_name_in_its_mailbox_alone),
        cmocka_unit_test(each_form_opens_only_as_itself),
        cmocka_unit_test(the_checksum_of_a_named_body_is_that_of_the_format),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
