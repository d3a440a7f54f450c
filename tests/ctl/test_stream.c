/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says and hears on the stream, byte by byte: upgrade, messages, flights. */
#include <stdio.h>
#include <string.h>

#include "common/crypto.h"
#include "common/manifest.h"
#include "common/wire.h"
#include "server/ctl/chain.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "server/ctl/outgoing.h"
#include "server/ctl/soak_flights.h"
#include "server/ctl/stream_message.h"
#include "server/ctl/stream_upgrade.h"
#include "tests/support/unit.h"

enum {
    NOW_S = 1767225600
};

/* ---- the upgrade ---- */

static void the_request_names_host_path_token_and_key(void **state)
{
    static const struct {
        const char *url;
        const char *line;
        const char *host;
    } rows[] = {
        { "https://relay.example", "GET /v1/stream HTTP/1.1\r\n", "\r\nHost: relay.example\r\n" },
        { "http://relay.example:8080/a/b", "GET /a/b/v1/stream HTTP/1.1\r\n",
          "\r\nHost: relay.example:8080\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stream_upgrade upgrade;
        stream_upgrade_init(&upgrade, rows[i].url, "sp1_token");
        buf_append_u8(&upgrade.text, 0);
        const char *text = (const char *)upgrade.text.at;
        assert_int_equal(strncmp(text, rows[i].line, strlen(rows[i].line)), 0);
        assert_non_null(strstr(text, rows[i].host));
        assert_non_null(strstr(text, "\r\nAuthorization: Bearer sp1_token\r\n"));
        assert_non_null(strstr(text, "\r\nSec-WebSocket-Protocol: sealpost.v1\r\n"));
        assert_non_null(strstr(text, upgrade.key));
        assert_int_equal(strlen(upgrade.key), 24);
        stream_upgrade_clear(&upgrade);
    }
}

static void a_head_is_whole_with_its_empty_line(void **state)
{
    (void)state;
    assert_int_equal(stream_upgrade_head_size(bytes_text("")), 0);
    assert_int_equal(stream_upgrade_head_size(bytes_text("HTTP/1.1 101 x\r\nA: b\r\n")), 0);
    assert_int_equal(stream_upgrade_head_size(bytes_text("HTTP/1.1 101 x\r\n\r\nmore")), 18);
}

/* Judge an answer in whose format %s stands for the right Sec-WebSocket-Accept. */
static enum exit_code judge(const char *format_before, const char *accept, const char *after)
{
    struct stream_upgrade upgrade;
    char right[WS_HANDSHAKE_ACCEPT_BYTES];
    struct buf answer = { 0 };

    stream_upgrade_init(&upgrade, "https://relay.example", "sp1_token");
    ws_handshake_accept_of(bytes_text(upgrade.key), right);
    buf_append_text(&answer, format_before);
    buf_append_text(&answer, accept == NULL ? right : accept);
    buf_append_text(&answer, after);
    enum exit_code code = stream_upgrade_judge(&upgrade, buf_view(&answer));
    buf_clear(&answer);
    stream_upgrade_clear(&upgrade);
    return code;
}

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define FIELDS "upgrade: WebSocket\r\nCONNECTION: Upgrade\r\n"
#define PROTOCOL "\r\nSec-WebSocket-Protocol: sealpost.v1\r\n\r\n"

static void only_the_right_answer_opens_the_stream(void **state)
{
    (void)state;
    assert_int_equal(judge(SWITCHING FIELDS "Sec-WebSocket-Accept: ", NULL, PROTOCOL),
                     EXIT_CODE_OK);
    assert_int_equal(judge(SWITCHING FIELDS "Sec-WebSocket-Accept:", NULL, PROTOCOL), EXIT_CODE_OK);
    assert_int_equal(
        judge(SWITCHING FIELDS "Sec-WebSocket-Accept: ", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", PROTOCOL),
        EXIT_CODE_NETWORK);
    assert_int_equal(judge(SWITCHING FIELDS "Sec-WebSocket-Accept: ", NULL, "x" PROTOCOL),
                     EXIT_CODE_NETWORK);
    assert_int_equal(judge(SWITCHING FIELDS "Sec-WebSocket-Accept: ", NULL, "\r\n\r\n"),
                     EXIT_CODE_NETWORK);
    assert_int_equal(
        judge(SWITCHING "Upgrade: websocket\r\nSec-WebSocket-Accept: ", NULL, PROTOCOL),
        EXIT_CODE_NETWORK);
    assert_int_equal(judge("HTTP/1.1 200 OK\r\n" FIELDS "Sec-WebSocket-Accept: ", NULL, PROTOCOL),
                     EXIT_CODE_NETWORK);
}

static void a_refusal_of_the_relay_is_told_from_a_strangers(void **state)
{
    (void)state;
    assert_int_equal(
        judge("HTTP/1.1 401 Unauthorized\r\n\r\n{\"type\":\"urn:sealpost:problem:session_invalid\","
              "\"detail\":\"Begin a session",
              ".", "\"}"),
        EXIT_CODE_REFUSED);
    assert_int_equal(judge("HTTP/1.1 401 Unauthorized\r\n\r\n<html>", "", ""), EXIT_CODE_NETWORK);
    assert_int_equal(judge("junk\r\n\r\n", "", ""), EXIT_CODE_NETWORK);
}

/* ---- messages ---- */

static void results_deliveries_and_events_are_read(void **state)
{
    struct stream_message message;
    struct buf bytes = { 0 };

    (void)state;
    assert_true(stream_message_read(bytes_of("\x81\0\0\1\2\0\xc9{}", 9), &message));
    assert_int_equal(message.type, STREAM_RESULT);
    assert_int_equal(message.request, 258);
    assert_int_equal(message.status, 201);
    assert_true(bytes_equal(message.body, bytes_text("{}")));

    buf_append_u8(&bytes, STREAM_DELIVER);
    buf_append_u64(&bytes, 77);
    buf_append(&bytes, bytes_text("0123456789abcdef"));
    buf_append_u32(&bytes, 29453760);
    buf_append_u8(&bytes, STREAM_REDELIVERED);
    buf_append_text(&bytes, "body");
    assert_true(stream_message_read(buf_view(&bytes), &message));
    assert_int_equal(message.seq, 77);
    assert_memory_equal(message.id.raw, "0123456789abcdef", 16);
    assert_int_equal(message.minute, 29453760);
    assert_int_equal(message.flags, STREAM_REDELIVERED);
    assert_true(bytes_equal(message.body, bytes_text("body")));
    for (size_t size = 0; size < bytes.size - 4; size++) {
        assert_false(stream_message_read(bytes_of(bytes.at, size), &message));
    }

    assert_true(stream_message_read(bytes_of("\x83{\"event\":\"hello\"}", 18), &message));
    assert_int_equal(message.type, STREAM_EVENT);
    assert_false(stream_message_read(bytes_of("\x84x", 2), &message));
    assert_false(stream_message_read(bytes_of("\x01", 1), &message));
    buf_clear(&bytes);
}

static void an_ack_has_the_bytes_of_the_protocol(void **state)
{
    struct buf bytes = { 0 };

    (void)state;
    stream_message_ack(0, 0x10000001, &bytes);
    assert_int_equal(bytes.size, 15);
    assert_memory_equal(bytes.at, "\x02\0\0\0\0\0\1\0\0\0\0\x10\0\0\1", 15);
    buf_clear(&bytes);
}

static void a_send_has_the_bytes_of_the_protocol(void **state)
{
    struct device_state from;
    struct device_state to;
    struct outgoing outgoing;
    struct buf first = { 0 };
    struct buf frame = { 0 };
    struct manifest manifest;
    struct chain chain;

    (void)state;
    device_state_init(&from, "/nowhere", "https://relay.example", "from", NULL);
    device_state_init(&to, "/nowhere", "https://relay.example", "to", NULL);
    draft_first(&to, NULL, NOW_S, &first);
    assert_int_equal(manifest_parse(buf_view(&first), &manifest), MANIFEST_VALID);
    chain_init(&chain, &manifest.account);
    assert_int_equal(chain_extend(&chain, buf_view(&first)), CHAIN_OK);

    outgoing_init(&outgoing, 3600);
    outgoing.is_urgent = true;
    assert_true(outgoing_seal(&outgoing, &from, &chain, bytes_text("hello")));
    outgoing_frame(&outgoing, 9, &frame);
    struct wire wire = wire_of(buf_view(&frame));
    assert_int_equal(wire_u8(&wire), 0x01);
    assert_int_equal(wire_u32(&wire), 9);
    assert_int_equal(wire_u8(&wire), STREAM_URGENT | STREAM_LIST_CHECK);
    assert_int_equal(wire_u32(&wire), 3600);
    assert_memory_equal(wire_bytes(&wire, 16).at, outgoing.id.raw, 16);
    assert_memory_equal(wire_bytes(&wire, 32).at, chain.account.raw, 32);
    assert_int_equal(wire_u64(&wire), 0);
    assert_int_equal(wire_u16(&wire), 1);
    assert_memory_equal(wire_bytes(&wire, 32).at, to.pub.raw, 32);
    assert_int_equal(wire_u32(&wire), 256);
    (void)wire_bytes(&wire, 256);
    assert_true(wire_is_done(&wire));

    json_t *json = outgoing_json(&outgoing);
    assert_int_equal(json_array_size(json_object_get(json, "recipients")), 1);
    assert_true(json_is_true(json_object_get(json, "urgent")));
    json_decref(json);
    /* To the only device's own account there is nobody to send to. */
    assert_false(outgoing_seal(&outgoing, &to, &chain, bytes_text("hello")));
    outgoing_clear(&outgoing);
    buf_clear(&frame);
    buf_clear(&first);
    chain_clear(&chain);
    device_state_clear(&from);
    device_state_clear(&to);
}

/* ---- flights ---- */

static void flights_wait_until_each_is_answered(void **state)
{
    struct soak_flights flights;

    (void)state;
    soak_flights_init(&flights, 3);
    for (int i = 0; i < 3; i++) {
        assert_false(soak_flights_full(&flights));
        buf_append_u8(soak_flights_put(&flights), (uint8_t)i);
    }
    assert_true(soak_flights_full(&flights));
    assert_true(soak_flights_take(&flights, 1));
    assert_false(soak_flights_take(&flights, 1));
    assert_true(soak_flights_full(&flights)); /* the oldest is still out */
    assert_int_equal(flights.oldest, 0);
    assert_null(soak_flights_frame(&flights, 1));
    assert_int_equal(soak_flights_frame(&flights, 2)->at[0], 2);
    assert_true(soak_flights_take(&flights, 0));
    assert_int_equal(flights.oldest, 2);
    assert_false(soak_flights_full(&flights));
    assert_int_equal(soak_flights_put(&flights)->size, 0);
    assert_false(soak_flights_take(&flights, 0));
    assert_true(soak_flights_take(&flights, 3));
    soak_flights_clear(&flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_names_host_path_token_and_key),
        cmocka_unit_test(a_head_is_whole_with_its_empty_line),
        cmocka_unit_test(only_the_right_answer_opens_the_stream),
        cmocka_unit_test(a_refusal_of_the_relay_is_told_from_a_strangers),
        cmocka_unit_test(results_deliveries_and_events_are_read),
        cmocka_unit_test(an_ack_has_the_bytes_of_the_protocol),
        cmocka_unit_test(a_send_has_the_bytes_of_the_protocol),
        cmocka_unit_test(flights_wait_until_each_is_answered),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
