/* SPDX-License-Identifier: Apache-2.0 */
/* The opening handshake, on a real connection. */
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "server/ws/handshake.h"
#include "tests/support/unit.h"
#include "tests/support/ws_place.h"

static void accept_is_the_one_of_the_rfc(void **state)
{
    char accept[WS_HANDSHAKE_ACCEPT_BYTES];

    (void)state;
    ws_handshake_accept_of(bytes_text("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void upgrade_is_answered_with_101(void **state)
{
    struct ws_place *place = *state;

    ws_place_send(place, bytes_text(ws_place_request));
    ws_place_wait(place, ws_place_is_open);
    char *head = ws_place_take_head(place);
    assert_non_null(strstr(head, "HTTP/1.1 101 "));
    assert_non_null(strstr(head, "\r\nUpgrade: websocket\r\n"));
    assert_non_null(strstr(head, "\r\nConnection: Upgrade\r\n"));
    assert_non_null(strstr(head, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(head, "\r\nSec-WebSocket-Protocol: sealpost.v1\r\n"));
    assert_non_null(strstr(head, "\r\nSealpost-Request-Id: "));
    assert_null(strstr(head, "Sec-WebSocket-Extensions"));
    assert_true(bytes_equal(buf_view(&place->protocols), bytes_text("sealpost.v1|other|")));
    free(head);
}

struct refusal {
    const char *lines; /* the request line's method and the fields but Host */
    enum ws_handshake verdict;
};

#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static const struct refusal refusals[] = {
    { UPGRADE CONNECTION VERSION KEY, WS_HANDSHAKE_OK },
    { "upgrade: WebSocket\r\nCONNECTION: UPGRADE\r\n" VERSION KEY, WS_HANDSHAKE_OK },
    { "Upgrade: h2c, websocket\r\n" CONNECTION VERSION KEY, WS_HANDSHAKE_OK },
    { UPGRADE "Connection: keep-alive\r\nConnection: Upgrade\r\n" VERSION KEY, WS_HANDSHAKE_OK },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: ////////////////////+w==\r\n",
      WS_HANDSHAKE_OK },
    { "", WS_HANDSHAKE_NOT_ASKED },
    { CONNECTION VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { "Upgrade: h2c\r\n" CONNECTION VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { "Upgrade: websockets\r\n" CONNECTION VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { UPGRADE CONNECTION KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE CONNECTION "Sec-WebSocket-Version: 8\r\n" KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE CONNECTION "Sec-WebSocket-Version: 130\r\n" KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE CONNECTION "Sec-WebSocket-Version: 8, 13\r\n" KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { UPGRADE "Connection: keep-alive\r\n" VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { UPGRADE "Connection: upgraded\r\n" VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { UPGRADE CONNECTION VERSION, WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key:\r\n", WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: ____________________-w==\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION KEY KEY, WS_HANDSHAKE_MALFORMED },
};

static enum ws_handshake verdict_on(struct ws_place *place, const char *lines)
{
    struct buf request = { 0 };

    buf_append_format(&request, "GET /ws HTTP/1.1\r\nHost: relay.example\r\n%s\r\n", lines);
    ws_place_send(place, buf_view(&request));
    buf_clear(&request);
    ws_place_wait(place, ws_place_is_answered);
    return place->verdict;
}

static void each_request_is_judged_as_the_rfc_says(void **state)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_int_equal(verdict_on(*state, refusals[i].lines), refusals[i].verdict);
        (void)ws_place_close(state);
        (void)ws_place_open(state);
    }
}

static void an_upgrade_in_http_1_0_is_none(void **state)
{
    struct ws_place *place = *state;

    ws_place_send(place, bytes_text("GET /ws HTTP/1.0\r\nHost: relay.example\r\n" UPGRADE CONNECTION
                                        VERSION KEY "\r\n"));
    ws_place_wait(place, ws_place_is_answered);
    assert_int_equal(place->verdict, WS_HANDSHAKE_NOT_ASKED);
}

static void a_post_is_no_upgrade(void **state)
{
    struct ws_place *place = *state;

    ws_place_send(place, bytes_text("POST /ws HTTP/1.1\r\nHost: relay.example\r\nContent-Length: "
                                    "0\r\n" UPGRADE CONNECTION VERSION KEY "\r\n"));
    ws_place_wait(place, ws_place_is_answered);
    assert_int_equal(place->verdict, WS_HANDSHAKE_MALFORMED);
}

static void a_key_is_the_base64_of_its_nonce(void **state)
{
    char key[WS_HANDSHAKE_KEY_BYTES];

    (void)state;
    ws_handshake_key_of((const uint8_t *)"the sample nonce", key);
    assert_string_equal(key, "dGhlIHNhbXBsZSBub25jZQ==");
    ws_handshake_key_of(
        (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfb", key);
    assert_string_equal(key, "////////////////////+w==");
}

#define ON_A_PLACE(test) cmocka_unit_test_setup_teardown(test, ws_place_open, ws_place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_is_the_one_of_the_rfc),
        cmocka_unit_test(a_key_is_the_base64_of_its_nonce),
        ON_A_PLACE(upgrade_is_answered_with_101),
        ON_A_PLACE(each_request_is_judged_as_the_rfc_says),
        ON_A_PLACE(an_upgrade_in_http_1_0_is_none),
        ON_A_PLACE(a_post_is_no_upgrade),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
