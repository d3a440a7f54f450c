/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl makes the connection, with TLS and proxies, and then only carries bytes;
 * the frames are those of server/ws/frame.h in the client's role.
 */
#include "server/ctl/stream_client.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"
#include "server/ctl/stream_upgrade.h"
#include "server/ws/frame.h"

enum {
    READ_BYTES = 65536,
    MESSAGE_MAX_BYTES = 16777216, /* the relay's messages are an envelope or an event */
    UPGRADE_MS = 30000,
    WRITE_MS = 60000, /* a relay that takes no byte for this long is gone */
};

struct stream_client {
    CURL *curl;
    curl_socket_t fd;
    struct ws_framer framer;
    struct buf input;   /* received and not read yet */
    struct buf message; /* the message in hand */
    bool is_given;      /* message was given out: empty it first */
    int close_code;     /* 0: no close frame has come */
};

/* ---- bytes ---- */

/* Wait until the socket is ready for what; false when wait_ms passed before. */
static bool wait_ready(const struct stream_client *stream, short what, int64_t wait_ms)
{
    struct pollfd poll_fd = { .fd = stream->fd, .events = what };

    return poll(&poll_fd, 1, wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms) > 0;
}

static bool bytes_write(struct stream_client *stream, struct bytes bytes)
{
    while (bytes.size > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(stream->curl, bytes.at, bytes.size, &sent);
        bool is_blocked = code == CURLE_AGAIN;
        if (code != CURLE_OK && !(is_blocked && wait_ready(stream, POLLOUT, WRITE_MS))) {
            return false;
        }
        bytes = bytes_of(bytes.at + sent, bytes.size - sent);
    }
    return true;
}

/* Append what has come to the input; QUIET when there was nothing. */
static enum stream_result bytes_read(struct stream_client *stream)
{
    size_t size = 0;

    buf_reserve(&stream->input, READ_BYTES);
    CURLcode code =
        curl_easy_recv(stream->curl, stream->input.at + stream->input.size, READ_BYTES, &size);
    if (code == CURLE_AGAIN) {
        return STREAM_QUIET;
    }
    if (code != CURLE_OK || size == 0) {
        return STREAM_BROKEN;
    }
    stream->input.size += size;
    return STREAM_MESSAGE;
}

/* Append at least one byte to the input, waiting until `until` in steady milliseconds. */
static enum stream_result bytes_await(struct stream_client *stream, int64_t until)
{
    for (;;) {
        enum stream_result result = bytes_read(stream);
        if (result != STREAM_QUIET) {
            return result;
        }
        int64_t left = until - clock_steady_ms();
        if (left <= 0 || !wait_ready(stream, POLLIN, left)) {
            return STREAM_QUIET;
        }
    }
}

/* ---- frames ---- */

static bool frame_write(struct stream_client *stream, enum ws_opcode opcode, struct bytes payload)
{
    uint8_t head[WS_FRAME_HEAD_MAX];
    uint8_t key[WS_FRAME_KEY_BYTES];
    struct buf frame = { 0 };

    random_fill(key, sizeof key);
    buf_append(&frame, bytes_of(head, ws_frame_head(head, opcode, payload.size, key)));
    buf_reserve(&frame, payload.size + 1);
    ws_frame_mask(frame.at + frame.size, payload, key);
    frame.size += payload.size;
    bool is_written = bytes_write(stream, buf_view(&frame));
    buf_clear(&frame);
    return is_written;
}

bool stream_client_send(struct stream_client *stream, struct bytes message)
{
    return stream->close_code == 0 && frame_write(stream, WS_OPCODE_BINARY, message);
}

static enum stream_result control_received(struct stream_client *stream,
                                           const struct ws_piece *piece)
{
    int code = 0;

    if (piece->opcode == WS_OPCODE_CLOSE) {
        if (ws_frame_close_check(piece->payload, &code) != 0) {
            return STREAM_BROKEN;
        }
        stream->close_code = code;
        (void)frame_write(stream, WS_OPCODE_CLOSE,
                          bytes_of(piece->payload.at, code == WS_FRAME_CLOSE_NONE ? 0 : 2));
        return STREAM_CLOSED;
    }
    if (piece->opcode == WS_OPCODE_PING && !frame_write(stream, WS_OPCODE_PONG, piece->payload)) {
        return STREAM_BROKEN;
    }
    return STREAM_QUIET;
}

static enum stream_result piece_received(struct stream_client *stream, const struct ws_piece *piece)
{
    if (piece->opcode >= WS_OPCODE_CLOSE) {
        return control_received(stream, piece);
    }
    buf_append(&stream->message, piece->payload);
    return piece->is_last ? STREAM_MESSAGE : STREAM_QUIET;
}

/* Read frames out of the input until a message is whole; QUIET when more bytes are needed. */
static enum stream_result input_read(struct stream_client *stream)
{
    enum stream_result result = STREAM_QUIET;
    struct ws_piece piece;
    size_t used = 0;

    while (result == STREAM_QUIET) {
        struct bytes rest = bytes_of(stream->input.at + used, stream->input.size - used);
        enum ws_frame_status status = ws_framer_next(&stream->framer, rest, &piece);
        if (status == WS_FRAME_MORE) {
            break;
        }
        if (status != WS_FRAME_PIECE) {
            result = STREAM_BROKEN;
            break;
        }
        used += piece.used;
        result = piece_received(stream, &piece);
    }
    buf_drop_front(&stream->input, used);
    return result;
}

enum stream_result stream_client_next(struct stream_client *stream, int64_t wait_ms,
                                      struct bytes *out)
{
    int64_t until = clock_steady_ms() + wait_ms;

    if (stream->close_code != 0) {
        return STREAM_CLOSED;
    }
    if (stream->is_given) {
        buf_empty(&stream->message);
        stream->is_given = false;
    }
    for (;;) {
        enum stream_result result = input_read(stream);
        if (result == STREAM_MESSAGE) {
            stream->is_given = true;
            *out = buf_view(&stream->message);
        }
        if (result != STREAM_QUIET) {
            return result;
        }
        result = bytes_await(stream, until);
        if (result != STREAM_MESSAGE) {
            return result;
        }
    }
}

/* ---- opening and closing ---- */

/* Send the request and read until the head of the answer is whole. */
static bool upgrade_talk(struct stream_client *stream, struct bytes request)
{
    int64_t until = clock_steady_ms() + UPGRADE_MS;

    if (!bytes_write(stream, request)) {
        return false;
    }
    while (stream_upgrade_head_size(buf_view(&stream->input)) == 0) {
        if (bytes_await(stream, until) != STREAM_MESSAGE) {
            return false;
        }
    }
    return true;
}

static enum exit_code upgrade(struct stream_client *stream, const char *base_url, const char *token)
{
    struct stream_upgrade request;
    enum exit_code code = EXIT_CODE_NETWORK;

    stream_upgrade_init(&request, base_url, token);
    if (!upgrade_talk(stream, buf_view(&request.text))) {
        say_error("%s broke off while the stream was being opened", base_url);
    } else {
        code = stream_upgrade_judge(&request, buf_view(&stream->input));
    }
    stream_upgrade_clear(&request);
    if (code == EXIT_CODE_OK) {
        buf_drop_front(&stream->input, stream_upgrade_head_size(buf_view(&stream->input)));
    }
    return code;
}

struct stream_client *stream_client_open(struct http_client *http, const char *token,
                                         enum exit_code *out_code)
{
    struct stream_client *stream = mem_zeroed(1, sizeof *stream);

    stream->curl = http_client_connect(http);
    if (stream->curl == NULL) {
        free(stream);
        *out_code = EXIT_CODE_NETWORK;
        return NULL;
    }
    CHECK(curl_easy_getinfo(stream->curl, CURLINFO_ACTIVESOCKET, &stream->fd) == CURLE_OK);
    ws_framer_init(&stream->framer, WS_ROLE_CLIENT, MESSAGE_MAX_BYTES);
    *out_code = upgrade(stream, http_client_base_url(http), token);
    if (*out_code != EXIT_CODE_OK) {
        stream->close_code = WS_FRAME_CLOSE_NONE; /* nobody to say good-bye to */
        stream_client_destroy(stream);
        return NULL;
    }
    return stream;
}

void stream_client_destroy(struct stream_client *stream)
{
    static const uint8_t normal[] = { 0x03, 0xE8 };

    if (stream == NULL) {
        return;
    }
    if (stream->close_code == 0) {
        (void)frame_write(stream, WS_OPCODE_CLOSE, bytes_of(normal, sizeof normal));
    }
    curl_easy_cleanup(stream->curl);
    buf_clear(&stream->input);
    buf_clear(&stream->message);
    free(stream);
}

int stream_client_fd(const struct stream_client *stream)
{
    return stream->fd;
}

int stream_client_close_code(const struct stream_client *stream)
{
    return stream->close_code;
}
