/* SPDX-License-Identifier: Apache-2.0 */
/* The server's half of the opening handshake (RFC 6455 section 4.2). */
#include "server/ws/handshake.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/check.h"
#include "common/crypto.h"
#include "server/http/exchange.h"
#include "server/ws/channel.h"
#include "server/ws/handshake_private.h"

enum {
    KEY_TEXT_SIZE = 24, /* 16 bytes as base64 with two '=' */
    KEY_DIGITS = 22,    /* of them, those that are not '=' */
    SHA1_BYTES = 20,
};

/* The version that RFC 6455 names, and the text it appends to a key. */
static const char version_text[] = "13";
static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct bytes trimmed(struct bytes text)
{
    while (text.size > 0 && is_space(text.at[0])) {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.at[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* Step through a comma-separated list; empty elements are passed over (RFC 9110 5.6.1). */
static bool list_next(struct bytes list, size_t *cursor, struct bytes *out)
{
    while (*cursor < list.size) {
        const uint8_t *at = list.at + *cursor;
        size_t left = list.size - *cursor;
        const uint8_t *comma = memchr(at, ',', left);
        size_t size = comma == NULL ? left : (size_t)(comma - at);
        *cursor += comma == NULL ? size : size + 1;
        struct bytes element = trimmed(bytes_of(at, size));
        if (element.size > 0) {
            *out = element;
            return true;
        }
    }
    return false;
}

static bool is_word(struct bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.at, word, text.size) == 0;
}

static bool has_word(struct bytes list, const char *word)
{
    struct bytes element;
    size_t cursor = 0;

    while (list_next(list, &cursor, &element)) {
        if (is_word(element, word)) {
            return true;
        }
    }
    return false;
}

/* Say whether key is base64 of 16 bytes, with the two '=' and no loose bits. */
static bool key_is_good(struct bytes key)
{
    char digits[KEY_DIGITS];
    uint8_t nonce[WS_HANDSHAKE_NONCE_BYTES];

    if (key.size != KEY_TEXT_SIZE || memcmp(key.at + KEY_DIGITS, "==", 2) != 0) {
        return false;
    }
    for (size_t i = 0; i < KEY_DIGITS; i++) {
        char digit = (char)key.at[i];
        if (digit == '-' || digit == '_') {
            return false;
        }
        digits[i] = digit;
        if (digit == '+') {
            digits[i] = '-';
        }
        if (digit == '/') {
            digits[i] = '_';
        }
    }
    return base64url_decode_exact(bytes_of(digits, sizeof digits), nonce, sizeof nonce);
}

enum ws_handshake ws_handshake_check(const struct exchange *exchange)
{
    struct bytes version = exchange_header(exchange, "sec-websocket-version");

    /* What RFC 9110 section 7.8 has us ignore is most often what a proxy left of an upgrade. */
    if (exchange_is_http10(exchange) ||
        !has_word(exchange_header(exchange, "connection"), "upgrade") ||
        !has_word(exchange_header(exchange, "upgrade"), "websocket")) {
        return WS_HANDSHAKE_NOT_ASKED;
    }
    if (!bytes_equal(trimmed(version), bytes_text(version_text))) {
        return WS_HANDSHAKE_BAD_VERSION;
    }
    if (!bytes_equal(exchange_method(exchange), bytes_text("GET")) ||
        exchange_body(exchange).size > 0 ||
        !key_is_good(trimmed(exchange_header(exchange, "sec-websocket-key")))) {
        return WS_HANDSHAKE_MALFORMED;
    }
    return WS_HANDSHAKE_OK;
}

bool ws_handshake_next_protocol(const struct exchange *exchange, size_t *cursor, struct bytes *out)
{
    return list_next(exchange_header(exchange, "sec-websocket-protocol"), cursor, out);
}

/* Write value as base64 with its '=' and a NUL into out, of exactly size bytes. */
static void base64_write(struct bytes value, char *out, size_t size)
{
    struct buf text = { 0 };

    base64url_encode(value, &text);
    CHECK(text.size < size);
    memset(out, '=', size - 1);
    out[size - 1] = '\0';
    for (size_t i = 0; i < text.size; i++) {
        char digit = (char)text.at[i];
        if (digit == '-') {
            digit = '+';
        }
        if (digit == '_') {
            digit = '/';
        }
        out[i] = digit;
    }
    buf_clear(&text);
}

void ws_handshake_key_of(const uint8_t nonce[WS_HANDSHAKE_NONCE_BYTES],
                         char out[WS_HANDSHAKE_KEY_BYTES])
{
    base64_write(bytes_of(nonce, WS_HANDSHAKE_NONCE_BYTES), out, WS_HANDSHAKE_KEY_BYTES);
}

void ws_handshake_accept_of(struct bytes key, char out[WS_HANDSHAKE_ACCEPT_BYTES])
{
    uint8_t digest[SHA1_BYTES];
    struct buf text = { 0 };

    buf_append(&text, key);
    buf_append_text(&text, accept_guid);
    crypto_sha1(buf_view(&text), digest);
    base64_write(bytes_of(digest, sizeof digest), out, WS_HANDSHAKE_ACCEPT_BYTES);
    buf_clear(&text);
}

void ws_handshake_head(const struct exchange *exchange, const char *protocol, struct buf *out)
{
    char accept[WS_HANDSHAKE_ACCEPT_BYTES];

    ws_handshake_accept_of(trimmed(exchange_header(exchange, "sec-websocket-key")), accept);
    buf_append_format(out,
                      "HTTP/1.1 101 Switching Protocols\r\n"
                      "Upgrade: websocket\r\n"
                      "Connection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n"
                      "Sec-WebSocket-Protocol: %s\r\n"
                      "Sealpost-Request-Id: %s\r\n"
                      "\r\n",
                      accept, protocol, exchange_request_id(exchange));
}
