/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/buf.h"
#include "server/api/stream_codec.h"
#include "tests/support/unit.h"

static void append_repeated(struct buf *out, uint8_t value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_append_u8(out, value);
    }
}

static void append_recipient(struct buf *out, uint8_t pub, const char *part)
{
    append_repeated(out, pub, DEVICE_PUB_BYTES);
    buf_append_u32(out, (uint32_t)strlen(part));
    buf_append_text(out, part);
}

/* A SEND with every field: all flags but online_only, and two recipients. */
static void append_full_send(struct buf *out)
{
    buf_append_u8(out, STREAM_SEND);
    buf_append_u32(out, 0x01020304);
    buf_append_u8(out, STREAM_SEND_URGENT | STREAM_SEND_LIST_CHECK | STREAM_SEND_SHARED);
    buf_append_u32(out, 86400);
    append_repeated(out, 0x11, ENVELOPE_ID_BYTES);
    append_repeated(out, 0x22, ACCOUNT_ID_BYTES);
    buf_append_u64(out, UINT64_C(0x0a0b0c0d0e0f1011));
    buf_append_u32(out, 6);
    buf_append_text(out, "shared");
    buf_append_u16(out, 2);
    append_recipient(out, 0x33, "one");
    append_recipient(out, 0x44, "");
}

static void append_plain_send(struct buf *out, uint8_t flags)
{
    buf_append_u8(out, STREAM_SEND);
    buf_append_u32(out, 7);
    buf_append_u8(out, flags);
    buf_append_u32(out, 10);
    append_repeated(out, 0x11, ENVELOPE_ID_BYTES);
    buf_append_u16(out, 1);
    append_recipient(out, 0x33, "body");
}

static bool is_text(struct bytes value, const char *text)
{
    return bytes_equal(value, bytes_text(text));
}

static void a_send_with_every_field_is_read(void **state)
{
    struct stream_message message;
    struct envelope_recipient recipient;
    struct buf bytes = { 0 };

    (void)state;
    append_full_send(&bytes);
    assert_true(stream_codec_parse(buf_view(&bytes), &message));
    assert_int_equal(message.type, STREAM_SEND);
    assert_int_equal(message.request, 0x01020304);
    assert_true(message.send.urgent && message.send.list_check && message.send.shared_given);
    assert_false(message.send.online_only);
    assert_int_equal(message.send.ttl_s, 86400);
    assert_int_equal(message.send.id.raw[15], 0x11);
    assert_int_equal(message.send.account.raw[31], 0x22);
    assert_int_equal(message.send.epoch, INT64_C(0x0a0b0c0d0e0f1011));
    assert_true(is_text(message.send.shared, "shared"));
    assert_int_equal(message.count, 2);
    stream_codec_recipient(&message, &recipient);
    assert_int_equal(recipient.pub.raw[0], 0x33);
    assert_true(is_text(recipient.part, "one"));
    stream_codec_recipient(&message, &recipient);
    assert_int_equal(recipient.pub.raw[31], 0x44);
    assert_int_equal(recipient.part.size, 0);
    assert_int_equal(message.rest.left, 0);
    buf_clear(&bytes);
}

static void a_plain_send_has_neither_account_nor_shared_body(void **state)
{
    struct stream_message message;
    struct envelope_recipient recipient;
    struct buf bytes = { 0 };

    (void)state;
    append_plain_send(&bytes, STREAM_SEND_ONLINE_ONLY);
    assert_true(stream_codec_parse(buf_view(&bytes), &message));
    assert_true(message.send.online_only);
    assert_false(message.send.urgent || message.send.list_check || message.send.shared_given);
    assert_int_equal(message.send.shared.size, 0);
    stream_codec_recipient(&message, &recipient);
    assert_true(is_text(recipient.part, "body"));
    buf_clear(&bytes);
}

/* Values out of range are answered, not closed on: the codec passes them on. */
static void values_out_of_range_are_read_as_they_are(void **state)
{
    struct stream_message message;
    struct buf bytes = { 0 };

    (void)state;
    buf_append_u8(&bytes, STREAM_SEND);
    buf_append_u32(&bytes, 0);
    buf_append_u8(&bytes, 0);
    buf_append_u32(&bytes, UINT32_MAX);
    append_repeated(&bytes, 0, ENVELOPE_ID_BYTES);
    buf_append_u16(&bytes, 0);
    assert_true(stream_codec_parse(buf_view(&bytes), &message));
    assert_int_equal(message.send.ttl_s, INT64_C(0xffffffff));
    assert_int_equal(message.count, 0);
    assert_int_equal(message.request, 0);
    buf_clear(&bytes);
}

static void unknown_flags_break_the_rules(void **state)
{
    struct stream_message message;

    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        struct buf bytes = { 0 };
        bool plain = (flags & (STREAM_SEND_LIST_CHECK | STREAM_SEND_SHARED)) == 0;
        append_plain_send(&bytes, (uint8_t)flags);
        assert_int_equal(stream_codec_parse(buf_view(&bytes), &message), flags < 16 && plain);
        buf_clear(&bytes);
    }
}

static void a_send_fits_its_length_exactly(void **state)
{
    struct stream_message message;
    struct buf bytes = { 0 };

    (void)state;
    append_full_send(&bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_false(stream_codec_parse(bytes_of(bytes.at, size), &message));
    }
    buf_append_u8(&bytes, 0);
    assert_false(stream_codec_parse(buf_view(&bytes), &message));
    buf_clear(&bytes);
}

static void lengths_that_lie_are_seen(void **state)
{
    struct stream_message message;
    struct buf bytes = { 0 };

    (void)state;
    append_plain_send(&bytes, 0);
    memset(bytes.at + bytes.size - 8, 0xff, 4); /* the length of the recipient's part */
    assert_false(stream_codec_parse(buf_view(&bytes), &message));
    buf_clear(&bytes);
    append_plain_send(&bytes, 0);
    memset(bytes.at + 26, 0xff, 2); /* the number of recipients */
    assert_false(stream_codec_parse(buf_view(&bytes), &message));
    buf_clear(&bytes);
    append_full_send(&bytes);
    memset(bytes.at + 66, 0xff, 4); /* the length of the shared body */
    assert_false(stream_codec_parse(buf_view(&bytes), &message));
    buf_clear(&bytes);
}

static void an_ack_names_its_seqs(void **state)
{
    struct stream_message message;
    struct buf bytes = { 0 };

    (void)state;
    buf_append_u8(&bytes, STREAM_ACK);
    buf_append_u32(&bytes, 5);
    buf_append_u16(&bytes, 2);
    buf_append_u64(&bytes, 1);
    buf_append_u64(&bytes, UINT64_MAX);
    assert_true(stream_codec_parse(buf_view(&bytes), &message));
    assert_int_equal(message.type, STREAM_ACK);
    assert_int_equal(message.request, 5);
    assert_int_equal(message.count, 2);
    assert_int_equal(stream_codec_seq(&message), 1);
    assert_true(stream_codec_seq(&message) == UINT64_MAX);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_false(stream_codec_parse(bytes_of(bytes.at, size), &message));
    }
    buf_append_u8(&bytes, 0);
    assert_false(stream_codec_parse(buf_view(&bytes), &message));
    buf_clear(&bytes);
}

static void an_ack_up_to_has_one_length(void **state)
{
    struct stream_message message;
    struct buf bytes = { 0 };

    (void)state;
    buf_append_u8(&bytes, STREAM_ACK_UPTO);
    buf_append_u32(&bytes, 6);
    buf_append_u64(&bytes, 77);
    assert_true(stream_codec_parse(buf_view(&bytes), &message));
    assert_int_equal(message.type, STREAM_ACK_UPTO);
    assert_int_equal(message.request, 6);
    assert_int_equal(message.seq, 77);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_false(stream_codec_parse(bytes_of(bytes.at, size), &message));
    }
    buf_append_u8(&bytes, 0);
    assert_false(stream_codec_parse(buf_view(&bytes), &message));
    buf_clear(&bytes);
}

static void only_the_clients_messages_are_known(void **state)
{
    struct stream_message message;

    (void)state;
    assert_false(stream_codec_parse(bytes_of(NULL, 0), &message));
    for (unsigned type = 0; type < 256; type++) {
        uint8_t bytes[13] = { (uint8_t)type };
        assert_int_equal(stream_codec_parse(bytes_of(bytes, sizeof bytes), &message),
                         type == STREAM_ACK_UPTO);
    }
}

static void heads_are_written_big_endian(void **state)
{
    static const uint8_t result[STREAM_RESULT_HEAD_BYTES] = { 0x81, 1, 2, 3, 4, 0x01, 0xfb };
    static const uint8_t deliver[STREAM_DELIVER_HEAD_BYTES] = {
        0x82, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 9, 8, 7, 6, 5, 4,
        3,    2, 1,    0,    1,    2,    3,    4,    5,    6, 0, 1, 2, 3, 5,
    };
    const struct envelope_id id = { { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6 } };
    uint8_t out[STREAM_DELIVER_HEAD_BYTES];

    (void)state;
    stream_codec_result(out, 0x01020304, 507);
    assert_memory_equal(out, result, sizeof result);
    stream_codec_deliver(out, (INT64_C(1) << 53) - 1, &id, 0x00010203,
                         STREAM_DELIVER_URGENT | STREAM_DELIVER_ONLINE_ONLY);
    assert_memory_equal(out, deliver, sizeof deliver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_with_every_field_is_read),
        cmocka_unit_test(a_plain_send_has_neither_account_nor_shared_body),
        cmocka_unit_test(values_out_of_range_are_read_as_they_are),
        cmocka_unit_test(unknown_flags_break_the_rules),
        cmocka_unit_test(a_send_fits_its_length_exactly),
        cmocka_unit_test(lengths_that_lie_are_seen),
        cmocka_unit_test(an_ack_names_its_seqs),
        cmocka_unit_test(an_ack_up_to_has_one_length),
        cmocka_unit_test(only_the_clients_messages_are_known),
        cmocka_unit_test(heads_are_written_big_endian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
