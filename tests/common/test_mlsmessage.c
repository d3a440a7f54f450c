/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and Welcomes that ts-mls made (tests/vectors/mls.json), and wrong ones made of them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/mlsmessage.h"
#include "common/mlssuite.h"
#include "common/tlsvec.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    VERSION_END = 2,
    FORMAT_END = 4
};

typedef void message_fn(const json_t *vector, struct buf *bytes);

/* Call each with every vector of a kind. */
static void each_vector(const char *kind, message_fn *each)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/mls.json");
    size_t i;
    json_t *vector;

    json_array_foreach (json_object_get(root, kind), i, vector) {
        struct buf bytes = { .at = NULL };

        vectors_hex(vectors_text(vector, "message"), &bytes);
        each(vector, &bytes);
        buf_clear(&bytes);
    }
    assert_int_not_equal(i, 0);
    json_decref(root);
}

static json_int_t number(const json_t *vector, const char *member)
{
    return json_integer_value(json_object_get(vector, member));
}

static void expect_hex(struct bytes got, const char *hex)
{
    struct buf wanted = { .at = NULL };

    vectors_hex(hex, &wanted);
    assert_true(bytes_equal(got, buf_view(&wanted)));
    buf_clear(&wanted);
}

static void expect_head(const json_t *vector, struct buf *bytes)
{
    struct mlsmessage_head head;

    assert_int_equal(mlsmessage_read_head(buf_view(bytes), &head), MLSMESSAGE_READ);
    assert_int_equal(head.wire_format, number(vector, "wire_format"));
    assert_int_equal(head.content_type, number(vector, "content_type"));
    assert_true(head.epoch == strtoull(vectors_text(vector, "epoch"), NULL, 10));
    expect_hex(head.group_id, vectors_text(vector, "group_id"));
}

static void heads_are_read_as_ts_mls_wrote_them(void **state)
{
    (void)state;
    each_vector("messages", expect_head);
}

/* In a block of its own size, so that the sanitizer sees a read beyond it. */
static enum mlsmessage_verdict read_copy(struct bytes bytes)
{
    struct mlsmessage_head head;
    uint8_t *copy = mem_raw(bytes.size);

    if (bytes.size > 0) {
        memcpy(copy, bytes.at, bytes.size);
    }
    enum mlsmessage_verdict verdict = mlsmessage_read_head(bytes_of(copy, bytes.size), &head);
    free(copy);
    return verdict;
}

static void expect_private_is_whole(const json_t *vector, struct buf *bytes)
{
    if (number(vector, "wire_format") != MLSMESSAGE_PRIVATE) {
        return;
    }
    for (size_t size = 0; size < bytes->size; size++) {
        assert_int_equal(read_copy(bytes_of(bytes->at, size)), MLSMESSAGE_FORM);
    }
    buf_append_u8(bytes, 0);
    assert_int_equal(read_copy(buf_view(bytes)), MLSMESSAGE_FORM);
}

static void a_private_message_is_whole(void **state)
{
    (void)state;
    each_vector("messages", expect_private_is_whole);
}

static void expect_head_is_whole(const json_t *vector, struct buf *bytes)
{
    /* version, format, group_id with one byte of length or two, epoch, sender with a type alone,
       authenticated_data with one byte of length, content_type */
    size_t group_bytes = strlen(vectors_text(vector, "group_id")) / 2;
    size_t least = FORMAT_END + (size_t)(group_bytes < 64 ? 1 : 2) + group_bytes + 8 + 1 + 1 + 1;

    for (size_t size = 0; size < least; size++) {
        assert_int_equal(read_copy(bytes_of(bytes->at, size)), MLSMESSAGE_FORM);
    }
}

static void a_head_that_is_cut_short_is_refused(void **state)
{
    (void)state;
    each_vector("messages", expect_head_is_whole);
}

static void expect_other_versions_refused(const json_t *vector, struct buf *bytes)
{
    (void)vector;
    bytes->at[VERSION_END - 1] = 2;
    assert_int_equal(read_copy(buf_view(bytes)), MLSMESSAGE_VERSION);
    bytes->at[0] = 1;
    bytes->at[VERSION_END - 1] = 1;
    assert_int_equal(read_copy(buf_view(bytes)), MLSMESSAGE_VERSION);
}

static void the_version_is_that_of_the_standard(void **state)
{
    (void)state;
    each_vector("messages", expect_other_versions_refused);
    each_vector("welcomes", expect_other_versions_refused);
}

/* Append version and wire format, and for the first two a group "g" in epoch 258. */
static void begin(struct buf *out, uint16_t wire_format)
{
    buf_empty(out);
    buf_append_u16(out, MLS_VERSION_10);
    buf_append_u16(out, wire_format);
    if (wire_format == MLSMESSAGE_PUBLIC || wire_format == MLSMESSAGE_PRIVATE) {
        tlsvec_append(out, bytes_text("g"));
        buf_append_u64(out, 258);
    }
}

static void a_wire_format_is_one_of_five(void **state)
{
    struct buf bytes = { .at = NULL };

    (void)state;
    for (uint16_t format = 0; format < 10; format++) {
        begin(&bytes, format);
        bool has_head = format == MLSMESSAGE_PUBLIC || format == MLSMESSAGE_PRIVATE;
        bool is_known = format >= MLSMESSAGE_PUBLIC && format <= MLSMESSAGE_KEY_PACKAGE;
        enum mlsmessage_verdict wanted = has_head   ? MLSMESSAGE_FORM
                                         : is_known ? MLSMESSAGE_READ
                                                    : MLSMESSAGE_WIRE_FORMAT;

        assert_int_equal(read_copy(buf_view(&bytes)), wanted);
    }
    begin(&bytes, 0xFFFF);
    assert_int_equal(read_copy(buf_view(&bytes)), MLSMESSAGE_WIRE_FORMAT);
    buf_clear(&bytes);
}

static void of_other_messages_only_the_format_is_told(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/mls.json");
    struct buf bytes = { .at = NULL };
    struct mlsmessage_head head;

    (void)state;
    vectors_hex(vectors_text(root, "group_info"), &bytes);
    assert_int_equal(mlsmessage_read_head(buf_view(&bytes), &head), MLSMESSAGE_READ);
    assert_int_equal(head.wire_format, MLSMESSAGE_GROUP_INFO);
    assert_int_equal(head.content_type, 0);
    assert_int_equal(head.group_id.size, 0);
    buf_empty(&bytes);
    vectors_hex(vectors_text(root, "key_package_message"), &bytes);
    assert_int_equal(mlsmessage_read_head(buf_view(&bytes), &head), MLSMESSAGE_READ);
    assert_int_equal(head.wire_format, MLSMESSAGE_KEY_PACKAGE);
    buf_clear(&bytes);
    json_decref(root);
}

static void a_private_message_has_any_of_three_contents(void **state)
{
    struct buf bytes = { .at = NULL };

    (void)state;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        bool is_known = type >= MLSMESSAGE_APPLICATION && type <= MLSMESSAGE_COMMIT;

        begin(&bytes, MLSMESSAGE_PRIVATE);
        buf_append_u8(&bytes, (uint8_t)type);
        buf_append(&bytes, bytes_of("\0\0\0", 3));
        assert_int_equal(read_copy(buf_view(&bytes)),
                         is_known ? MLSMESSAGE_READ : MLSMESSAGE_CONTENT_TYPE);
    }
    buf_clear(&bytes);
}

static void a_public_message_has_no_application_data(void **state)
{
    struct buf bytes = { .at = NULL };

    (void)state;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        bool is_known = type == MLSMESSAGE_PROPOSAL || type == MLSMESSAGE_COMMIT;

        begin(&bytes, MLSMESSAGE_PUBLIC);
        buf_append(&bytes, bytes_of("\x01\0\0\0\7\0", 6)); /* of member 7, and no data */
        buf_append_u8(&bytes, (uint8_t)type);
        assert_int_equal(read_copy(buf_view(&bytes)),
                         is_known ? MLSMESSAGE_READ : MLSMESSAGE_CONTENT_TYPE);
    }
    buf_clear(&bytes);
}

static void a_sender_is_one_of_four(void **state)
{
    struct buf bytes = { .at = NULL };

    (void)state;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        begin(&bytes, MLSMESSAGE_PUBLIC);
        buf_append_u8(&bytes, (uint8_t)type);
        if (type == 1 || type == 2) {
            buf_append_u32(&bytes, 0xFFFFFFFF); /* an index, which has no bound here */
        }
        buf_append(&bytes, bytes_of("\0\3", 2));
        assert_int_equal(read_copy(buf_view(&bytes)),
                         type >= 1 && type <= 4 ? MLSMESSAGE_READ : MLSMESSAGE_SENDER);
    }
    buf_clear(&bytes);
}

static void a_group_id_has_its_shortest_length(void **state)
{
    struct buf bytes = { .at = NULL };

    (void)state;
    begin(&bytes, MLSMESSAGE_PRIVATE);
    bytes.size = FORMAT_END;
    buf_append(&bytes, bytes_of("\x40\x01g\0\0\0\0\0\0\0\0\1\0\0\0", 15));
    assert_int_equal(read_copy(buf_view(&bytes)), MLSMESSAGE_FORM);
    buf_clear(&bytes);
}

static enum mlsmessage_verdict read_welcome(struct bytes bytes, size_t room)
{
    struct mlsmessage_welcome welcome;
    struct bytes *members = mem_zeroed(room > 0 ? room : 1, sizeof *members);
    enum mlsmessage_verdict verdict = mlsmessage_read_welcome(bytes, members, room, &welcome);

    free(members);
    return verdict;
}

static void expect_welcome(const json_t *vector, struct buf *bytes)
{
    const json_t *wanted = json_object_get(vector, "members");
    struct mlsmessage_welcome welcome;
    struct bytes members[4];

    assert_int_equal(mlsmessage_read_welcome(buf_view(bytes), members, 4, &welcome),
                     MLSMESSAGE_READ);
    assert_int_equal(welcome.suite, number(vector, "suite"));
    assert_int_equal(welcome.member_count, json_array_size(wanted));
    for (size_t i = 0; i < welcome.member_count; i++) {
        expect_hex(members[i], json_string_value(json_array_get(wanted, i)));
    }
}

static void a_welcome_names_whom_it_is_for(void **state)
{
    (void)state;
    each_vector("welcomes", expect_welcome);
}

static void expect_welcome_is_whole(const json_t *vector, struct buf *bytes)
{
    (void)vector;
    for (size_t size = 0; size < bytes->size; size++) {
        assert_int_equal(read_welcome(bytes_of(bytes->at, size), 4), MLSMESSAGE_FORM);
    }
    buf_append_u8(bytes, 0);
    assert_int_equal(read_welcome(buf_view(bytes), 4), MLSMESSAGE_FORM);
}

static void a_welcome_is_whole(void **state)
{
    (void)state;
    each_vector("welcomes", expect_welcome_is_whole);
}

static void expect_room_is_kept(const json_t *vector, struct buf *bytes)
{
    size_t count = json_array_size(json_object_get(vector, "members"));

    for (size_t room = 0; room < count; room++) {
        assert_int_equal(read_welcome(buf_view(bytes), room), MLSMESSAGE_TOO_MANY);
    }
    assert_int_equal(read_welcome(buf_view(bytes), count), MLSMESSAGE_READ);
}

static void no_more_members_are_written_than_there_is_room_for(void **state)
{
    (void)state;
    each_vector("welcomes", expect_room_is_kept);
}

/* Write a Welcome of the suite for count members with references of size bytes. */
static void write_welcome(struct buf *out, uint16_t suite, size_t count, size_t size)
{
    static const uint8_t reference[MLS_REFERENCE_BYTES + 1];
    struct buf secrets = { .at = NULL };

    for (size_t i = 0; i < count; i++) {
        tlsvec_append(&secrets, bytes_of(reference, size));
        tlsvec_append(&secrets, bytes_text("a kem output"));
        tlsvec_append(&secrets, bytes_text("a ciphertext"));
    }
    begin(out, MLSMESSAGE_WELCOME);
    buf_append_u16(out, suite);
    tlsvec_append(out, buf_view(&secrets));
    tlsvec_append(out, bytes_text("group info"));
    buf_clear(&secrets);
}

static void a_reference_is_as_long_as_the_hash(void **state)
{
    struct buf bytes = { .at = NULL };

    (void)state;
    for (size_t size = 0; size <= MLS_REFERENCE_BYTES + 1; size++) {
        bool any = size >= 1 && size <= MLS_REFERENCE_BYTES;

        write_welcome(&bytes, MLS_SUITE_X25519_AES128_SHA256_ED25519, 2, size);
        assert_int_equal(read_welcome(buf_view(&bytes), 2),
                         size == 32 ? MLSMESSAGE_READ : MLSMESSAGE_MEMBER);
        write_welcome(&bytes, MLS_SUITE_XWING_AES256_SHA512_ED25519, 2, size);
        assert_int_equal(read_welcome(buf_view(&bytes), 2),
                         size == 64 ? MLSMESSAGE_READ : MLSMESSAGE_MEMBER);
        write_welcome(&bytes, 0xF001, 2, size); /* we do not know how long its hash is */
        assert_int_equal(read_welcome(buf_view(&bytes), 2),
                         any ? MLSMESSAGE_READ : MLSMESSAGE_MEMBER);
    }
    buf_clear(&bytes);
}

static void a_welcome_is_for_1_to_1000_members(void **state)
{
    struct buf bytes = { .at = NULL };

    (void)state;
    write_welcome(&bytes, 1, 0, 32);
    assert_int_equal(read_welcome(buf_view(&bytes), LIMIT_WELCOME_MEMBERS), MLSMESSAGE_MEMBER);
    write_welcome(&bytes, 1, LIMIT_WELCOME_MEMBERS, 32);
    assert_int_equal(read_welcome(buf_view(&bytes), LIMIT_WELCOME_MEMBERS), MLSMESSAGE_READ);
    write_welcome(&bytes, 1, LIMIT_WELCOME_MEMBERS + 1, 32);
    assert_int_equal(read_welcome(buf_view(&bytes), LIMIT_WELCOME_MEMBERS), MLSMESSAGE_TOO_MANY);
    buf_clear(&bytes);
}

static void expect_no_welcome(const json_t *vector, struct buf *bytes)
{
    (void)vector;
    assert_int_equal(read_welcome(buf_view(bytes), 4), MLSMESSAGE_WIRE_FORMAT);
}

static void another_message_is_no_welcome(void **state)
{
    (void)state;
    each_vector("messages", expect_no_welcome);
}

static void every_verdict_has_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= MLSMESSAGE_TOO_MANY; i++) {
        const char *text = mlsmessage_verdict_text((enum mlsmessage_verdict)i);

        assert_int_equal(text[strlen(text) - 1], '.');
        for (unsigned other = 0; other < i; other++) {
            assert_string_not_equal(text, mlsmessage_verdict_text((enum mlsmessage_verdict)other));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read_as_ts_mls_wrote_them),
        cmocka_unit_test(a_private_message_is_whole),
        cmocka_unit_test(a_head_that_is_cut_short_is_refused),
        cmocka_unit_test(the_version_is_that_of_the_standard),
        cmocka_unit_test(a_wire_format_is_one_of_five),
        cmocka_unit_test(of_other_messages_only_the_format_is_told),
        cmocka_unit_test(a_private_message_has_any_of_three_contents),
        cmocka_unit_test(a_public_message_has_no_application_data),
        cmocka_unit_test(a_sender_is_one_of_four),
        cmocka_unit_test(a_group_id_has_its_shortest_length),
        cmocka_unit_test(a_welcome_names_whom_it_is_for),
        cmocka_unit_test(a_welcome_is_whole),
        cmocka_unit_test(no_more_members_are_written_than_there_is_room_for),
        cmocka_unit_test(a_reference_is_as_long_as_the_hash),
        cmocka_unit_test(a_welcome_is_for_1_to_1000_members),
        cmocka_unit_test(another_message_is_no_welcome),
        cmocka_unit_test(every_verdict_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
