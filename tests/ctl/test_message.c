/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed messages between two devices, and all that must not open or verify. */
#include <string.h>

#include "server/ctl/device_state.h"
#include "server/ctl/message.h"
#include "tests/support/unit.h"

struct pair {
    struct device_state from;
    struct device_state to;
    struct message_sender sender;
    struct message_target target;
    struct envelope_id id;
    struct buf body;
    struct buf plain;
};

static int pair_make(void **state)
{
    static struct pair pair;

    memset(&pair, 0, sizeof pair);
    device_state_init(&pair.from, "/nowhere", "https://relay.example", "from", NULL);
    device_state_init(&pair.to, "/nowhere", "https://relay.example", "to", NULL);
    pair.sender = (struct message_sender){ .seed = pair.from.seed, .device_id = 5 };
    memset(pair.sender.account.raw, 0xAC, sizeof pair.sender.account.raw);
    pair.target = (struct message_target){ .pub = pair.to.pub, .box_public = pair.to.box_public };
    memset(pair.id.raw, 0x1D, sizeof pair.id.raw);
    *state = &pair;
    return 0;
}

static int pair_clear(void **state)
{
    struct pair *pair = *state;

    device_state_clear(&pair->from);
    device_state_clear(&pair->to);
    buf_clear(&pair->body);
    buf_clear(&pair->plain);
    return 0;
}

static void seal(struct pair *pair, struct bytes content)
{
    buf_empty(&pair->body);
    assert_true(message_seal(&pair->sender, &pair->target, &pair->id, content, &pair->body));
}

static bool opens(struct pair *pair, struct bytes body, struct message *out)
{
    return message_open(pair->to.box_public, pair->to.box_secret, body, &pair->plain, out);
}

static void a_message_opens_and_verifies(void **state)
{
    struct pair *pair = *state;
    struct message message;

    seal(pair, bytes_text("hello"));
    assert_true(opens(pair, buf_view(&pair->body), &message));
    assert_true(bytes_equal(message.content, bytes_text("hello")));
    assert_int_equal(message.device_id, 5);
    assert_memory_equal(message.account.raw, pair->sender.account.raw, 32);
    assert_true(message_verify(&message, &pair->from.pub, &pair->to.pub, &pair->id));
}

static void bodies_have_the_size_of_a_bucket(void **state)
{
    static const struct {
        size_t content;
        size_t body;
    } rows[] = {
        { 0, 256 },    { 103, 256 },     { 104, 512 },     { 871, 1024 },
        { 872, 2048 }, { 65383, 65536 }, { 65384, 98304 }, { MESSAGE_CONTENT_MAX, 98304 },
    };
    static uint8_t content[MESSAGE_CONTENT_MAX + 1];
    struct pair *pair = *state;
    struct message message;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        seal(pair, bytes_of(content, rows[i].content));
        assert_int_equal(pair->body.size, rows[i].body);
        assert_true(opens(pair, buf_view(&pair->body), &message));
        assert_int_equal(message.content.size, rows[i].content);
        assert_true(message_verify(&message, &pair->from.pub, &pair->to.pub, &pair->id));
    }
    buf_empty(&pair->body);
    assert_false(message_seal(&pair->sender, &pair->target, &pair->id,
                              bytes_of(content, sizeof content), &pair->body));
    assert_int_equal(pair->body.size, 0);
    assert_int_equal(message_bucket(98304), 98304);
    assert_int_equal(message_bucket(98305), 0);
}

static void nobody_else_opens_it(void **state)
{
    struct pair *pair = *state;
    struct message message;

    seal(pair, bytes_text("hello"));
    assert_false(message_open(pair->from.box_public, pair->from.box_secret, buf_view(&pair->body),
                              &pair->plain, &message));
}

static void a_changed_body_does_not_open(void **state)
{
    struct pair *pair = *state;
    struct message message;

    seal(pair, bytes_text("hello"));
    for (size_t i = 0; i < pair->body.size; i++) {
        pair->body.at[i] ^= 1;
        assert_false(opens(pair, buf_view(&pair->body), &message));
        pair->body.at[i] ^= 1;
    }
    for (size_t size = 0; size < pair->body.size; size += 17) {
        assert_false(opens(pair, bytes_of(pair->body.at, size), &message));
    }
}

static void it_verifies_only_for_whom_and_as_what_it_was_signed(void **state)
{
    struct pair *pair = *state;
    struct envelope_id other_id = pair->id;
    struct message message;

    seal(pair, bytes_text("hello"));
    assert_true(opens(pair, buf_view(&pair->body), &message));
    other_id.raw[15] ^= 1;
    assert_false(message_verify(&message, &pair->from.pub, &pair->to.pub, &other_id));
    assert_false(message_verify(&message, &pair->from.pub, &pair->from.pub, &pair->id));
    assert_false(message_verify(&message, &pair->to.pub, &pair->to.pub, &pair->id));
    struct message changed = message;
    changed.device_id = 6;
    assert_false(message_verify(&changed, &pair->from.pub, &pair->to.pub, &pair->id));
    changed = message;
    changed.account.raw[0] ^= 1;
    assert_false(message_verify(&changed, &pair->from.pub, &pair->to.pub, &pair->id));
    changed = message;
    changed.content = bytes_text("HELLO");
    assert_false(message_verify(&changed, &pair->from.pub, &pair->to.pub, &pair->id));
}

static void a_box_that_holds_something_else_is_refused(void **state)
{
    struct pair *pair = *state;
    uint8_t plain[MESSAGE_HEAD_BYTES + 10] = { 1 };
    uint8_t body[sizeof plain + CRYPTO_SEAL_BYTES];
    struct message message;

    plain[40] = 11; /* the content would be longer than what is there */
    assert_true(crypto_seal_box(pair->to.box_public, bytes_of(plain, sizeof plain), body));
    assert_false(opens(pair, bytes_of(body, sizeof body), &message));
    plain[40] = 10;
    assert_true(crypto_seal_box(pair->to.box_public, bytes_of(plain, sizeof plain), body));
    assert_true(opens(pair, bytes_of(body, sizeof body), &message));
    plain[0] = 2;
    assert_true(crypto_seal_box(pair->to.box_public, bytes_of(plain, sizeof plain), body));
    assert_false(opens(pair, bytes_of(body, sizeof body), &message));
}

#define ON_A_PAIR(test) cmocka_unit_test_setup_teardown(test, pair_make, pair_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_PAIR(a_message_opens_and_verifies),
        ON_A_PAIR(bodies_have_the_size_of_a_bucket),
        ON_A_PAIR(nobody_else_opens_it),
        ON_A_PAIR(a_changed_body_does_not_open),
        ON_A_PAIR(it_verifies_only_for_whom_and_as_what_it_was_signed),
        ON_A_PAIR(a_box_that_holds_something_else_is_refused),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
