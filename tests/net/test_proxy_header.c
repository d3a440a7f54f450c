/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol's header as proxy-protocol.txt writes it, and what breaks its rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/mem.h"
#include "common/network.h"
#include "server/net/proxy_header.h"
#include "tests/support/unit.h"

enum {
    TCP_V4 = 0x11,
    TCP_V6 = 0x21,
    PROXY = 0x21,
    LOCAL = 0x20
};

static const char v4_pair[] = "\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb";

static enum proxy_header_step read_of(struct bytes input, struct proxy_header *out)
{
    *out = (struct proxy_header){ .bytes = 0 };
    return proxy_header_read(input, out);
}

/* Read a header with a request behind it, and with nothing: wanted, and whom it names. */
static void expect(struct bytes header, enum proxy_header_step wanted, const char *name)
{
    struct proxy_header found;
    struct buf whole = { 0 };
    char shown[NETWORK_NAME_BYTES] = "";

    assert_int_equal(read_of(header, &found), wanted);
    buf_append(&whole, header);
    buf_append_text(&whole, "GET / HTTP/1.1\r\n");
    assert_int_equal(read_of(buf_view(&whole), &found), wanted);
    buf_clear(&whole);
    if (wanted != PROXY_HEADER_DONE) {
        return;
    }
    assert_int_equal(found.bytes, header.size);
    assert_int_equal(found.names_client, name != NULL);
    if (name != NULL) {
        network_name(&found.client, shown);
        assert_string_equal(shown, name);
    }
    for (size_t cut = 0; cut < header.size; cut++) {
        assert_int_equal(read_of(bytes_of(header.at, cut), &found), PROXY_HEADER_MORE);
    }
}

static void expect_line(const char *line, enum proxy_header_step wanted, const char *name)
{
    expect(bytes_text(line), wanted, name);
}

/* A header of version 2 with any bytes where its rules look. */
static void expect_v2(int command, int family, struct bytes body, enum proxy_header_step wanted,
                      const char *name)
{
    struct buf header = { 0 };

    buf_append(&header, bytes_of("\r\n\r\n\0\r\nQUIT\n", 12));
    buf_append_u8(&header, (uint8_t)command);
    buf_append_u8(&header, (uint8_t)family);
    buf_append_u8(&header, (uint8_t)(body.size >> 8));
    buf_append_u8(&header, (uint8_t)body.size);
    buf_append(&header, body);
    expect(buf_view(&header), wanted, name);
    buf_clear(&header);
}

static void lines_name_their_source(void **state)
{
    (void)state;
    expect_line("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", PROXY_HEADER_DONE, "192.0.2.1");
    expect_line("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n", PROXY_HEADER_DONE,
                "255.255.255.255");
    expect_line("PROXY TCP6 2001:db8:1:2::3 ::1 1 2\r\n", PROXY_HEADER_DONE, "2001:db8:1:2::");
    expect_line("PROXY TCP6 2001:DB8:1:2::3 ::1 1 2\r\n", PROXY_HEADER_DONE, "2001:db8:1:2::");
    expect_line("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", PROXY_HEADER_DONE, "192.0.2.1");
}

static void an_unknown_line_names_nobody_whatever_is_in_it(void **state)
{
    (void)state;
    expect_line("PROXY UNKNOWN\r\n", PROXY_HEADER_DONE, NULL);
    expect_line("PROXY UNKNOWN \r\n", PROXY_HEADER_DONE, NULL);
    expect_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
                PROXY_HEADER_DONE, NULL);
    expect_line("PROXY UNKNOWN \r \n TCP4\r\n", PROXY_HEADER_DONE, NULL);
}

static void a_line_ends_within_107_bytes(void **state)
{
    struct buf line = { 0 };

    (void)state;
    for (size_t size = 106; size <= 108; size++) {
        buf_append_text(&line, "PROXY UNKNOWN ");
        while (line.size < size - 2) {
            buf_append_u8(&line, 'x');
        }
        buf_append_text(&line, "\r\n");
        expect(buf_view(&line), size <= PROXY_HEADER_V1_MAX ? PROXY_HEADER_DONE : PROXY_HEADER_BAD,
               NULL);
        buf_clear(&line);
    }
}

static void lines_that_break_a_rule_are_refused(void **state)
{
    static const char *const lines[] = {
        "PROXY \r\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1\r\n",
        "PROXY TCP4 192.0.2.1\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1/32 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 relay.example 1 2\r\n",
        "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP6 2001:db8::1::2 ::1 1 2\r\n",
        "PROXY TCP6 [2001:db8::1] ::1 1 2\r\n",
        "PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
        "PROXY TCP6 2001:db8::1 ::12345 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 100000\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 00\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1a 2\r\n",
        "PROXY TCP4 192.0.2.1\t198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n\r\n",
        "PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        expect_line(lines[i], PROXY_HEADER_BAD, NULL);
    }
    expect(bytes_of("PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n", 40), PROXY_HEADER_BAD, NULL);
}

static void bytes_name_their_source(void **state)
{
    static const char v6_pair[] = "\x20\x01\x0d\xb8\0\1\0\2\0\0\0\0\0\0\0\3"
                                  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2";
    static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
                                 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\1\0\1\0\2";

    (void)state;
    expect_v2(PROXY, TCP_V4, bytes_of(v4_pair, 12), PROXY_HEADER_DONE, "192.0.2.1");
    expect_v2(PROXY, TCP_V6, bytes_of(v6_pair, 36), PROXY_HEADER_DONE, "2001:db8:1:2::");
    expect_v2(PROXY, TCP_V6, bytes_of(mapped, 36), PROXY_HEADER_DONE, "192.0.2.1");
}

static void local_names_nobody_and_its_block_is_discarded(void **state)
{
    (void)state;
    expect_v2(LOCAL, 0, bytes_of(NULL, 0), PROXY_HEADER_DONE, NULL);
    expect_v2(LOCAL, TCP_V4, bytes_of(v4_pair, 12), PROXY_HEADER_DONE, NULL);
    expect_v2(LOCAL, TCP_V6, bytes_of("x", 1), PROXY_HEADER_DONE, NULL);
    expect_v2(LOCAL, 0xff, bytes_of("xyz", 3), PROXY_HEADER_DONE, NULL);
}

static void what_is_no_tcp_over_ip_names_nobody(void **state)
{
    static const char room[216] = "";

    (void)state;
    expect_v2(PROXY, 0x00, bytes_of(NULL, 0), PROXY_HEADER_DONE, NULL);
    expect_v2(PROXY, 0x00, bytes_of(v4_pair, 12), PROXY_HEADER_DONE, NULL);
    expect_v2(PROXY, 0x12, bytes_of(v4_pair, 12), PROXY_HEADER_DONE, NULL);
    expect_v2(PROXY, 0x22, bytes_of(room, 36), PROXY_HEADER_DONE, NULL);
    expect_v2(PROXY, 0x31, bytes_of(room, 216), PROXY_HEADER_DONE, NULL);
    expect_v2(PROXY, 0x32, bytes_of(room, 216), PROXY_HEADER_DONE, NULL);
}

static void bytes_that_break_a_rule_are_refused(void **state)
{
    static const int families[] = { 0x01, 0x02, 0x10, 0x13, 0x20, 0x23, 0x30, 0x33, 0x41, 0xff };
    static const int commands[] = { 0x22, 0x2f, 0x11, 0x01, 0x31, 0x00, 0xff };
    static const char room[216] = "";

    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        expect_v2(PROXY, families[i], bytes_of(room, 216), PROXY_HEADER_BAD, NULL);
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        expect_v2(commands[i], TCP_V4, bytes_of(v4_pair, 12), PROXY_HEADER_BAD, NULL);
    }
    expect_v2(PROXY, TCP_V4, bytes_of(room, 11), PROXY_HEADER_BAD, NULL);
    expect_v2(PROXY, TCP_V6, bytes_of(room, 35), PROXY_HEADER_BAD, NULL);
    expect_v2(PROXY, 0x12, bytes_of(room, 11), PROXY_HEADER_BAD, NULL);
    expect_v2(PROXY, 0x31, bytes_of(room, 215), PROXY_HEADER_BAD, NULL);
}

/* Read a header whose addresses are followed by these TLVs. */
static void expect_tlvs(struct bytes tlvs, enum proxy_header_step wanted)
{
    struct buf body = { 0 };

    buf_append(&body, bytes_of(v4_pair, 12));
    buf_append(&body, tlvs);
    expect_v2(PROXY, TCP_V4, buf_view(&body), wanted, "192.0.2.1");
    buf_clear(&body);
}

static void tlvs_are_skipped_when_they_fill_their_room(void **state)
{
    (void)state;
    expect_tlvs(bytes_of("\4\0\0", 3), PROXY_HEADER_DONE);
    expect_tlvs(bytes_of("\1\0\2h2\4\0\0\xee\0\1x", 12), PROXY_HEADER_DONE);
    expect_tlvs(bytes_of("\1", 1), PROXY_HEADER_BAD);
    expect_tlvs(bytes_of("\1\0", 2), PROXY_HEADER_BAD);
    expect_tlvs(bytes_of("\1\0\1", 3), PROXY_HEADER_BAD);
    expect_tlvs(bytes_of("\1\0\2h2\4", 6), PROXY_HEADER_BAD);
    expect_tlvs(bytes_of("\1\xff\xffh2", 5), PROXY_HEADER_BAD);
}

static void the_largest_header_is_read(void **state)
{
    static const uint8_t head[] = { '\r', '\n', '\r', '\n', 0,     '\r',   '\n', 'Q',
                                    'U',  'I',  'T',  '\n', PROXY, TCP_V4, 0xff, 0xff };
    struct proxy_header found;
    uint8_t *header = mem_zeroed(1, PROXY_HEADER_MAX);

    (void)state;
    memcpy(header, head, sizeof head);
    memcpy(header + sizeof head, v4_pair, sizeof v4_pair - 1);
    header[28] = 4;
    header[29] = 0xff; /* 65,535 less the addresses and the TLV's own head */
    header[30] = 0xff - 15;
    assert_int_equal(read_of(bytes_of(header, PROXY_HEADER_MAX), &found), PROXY_HEADER_DONE);
    assert_int_equal(found.bytes, PROXY_HEADER_MAX);
    assert_int_equal(read_of(bytes_of(header, PROXY_HEADER_MAX - 1), &found), PROXY_HEADER_MORE);
    free(header);
}

static void what_is_no_header_is_known_at_its_first_other_byte(void **state)
{
    static const char *const others[] = {
        "GET / HTTP/1.1\r\n", "PROXIED", "PROXY\r\n",    "PR\r\n",       "P ", "proxy ",
        " PROXY TCP4",        "\r\nGET", "\r\n\r\n\r\n", "\x16\x03\x01", "\n"
    };
    struct proxy_header found;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(read_of(bytes_text(others[i]), &found), PROXY_HEADER_ABSENT);
    }
    assert_int_equal(read_of(bytes_of("\r\n\r\n\0\r\nQUIX", 11), &found), PROXY_HEADER_ABSENT);
    assert_int_equal(read_of(bytes_of(NULL, 0), &found), PROXY_HEADER_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_name_their_source),
        cmocka_unit_test(an_unknown_line_names_nobody_whatever_is_in_it),
        cmocka_unit_test(a_line_ends_within_107_bytes),
        cmocka_unit_test(lines_that_break_a_rule_are_refused),
        cmocka_unit_test(bytes_name_their_source),
        cmocka_unit_test(local_names_nobody_and_its_block_is_discarded),
        cmocka_unit_test(what_is_no_tcp_over_ip_names_nobody),
        cmocka_unit_test(bytes_that_break_a_rule_are_refused),
        cmocka_unit_test(tlvs_are_skipped_when_they_fill_their_room),
        cmocka_unit_test(the_largest_header_is_read),
        cmocka_unit_test(what_is_no_header_is_known_at_its_first_other_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
