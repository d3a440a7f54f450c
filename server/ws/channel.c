/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After our close frame nothing more is read: conn_finish writes it out, shuts our
 * direction and drops what the peer still sends, so that no reset overtakes the
 * frame.  The peer's own close frame is among what is dropped.
 *
 * The connection's one deadline is for the next ping, and after that for its answer.
 */
#include "server/ws/channel.h"

#include <stdlib.h>
#include <string.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/http/exchange.h"
#include "server/net/conn.h"
#include "server/ws/frame.h"
#include "server/ws/handshake_private.h"

enum {
    SCRATCH_BYTES = 8192,
    SMALL_BYTES = 65536, /* up to here a message may use what large ones leave free */
    DEADLINES_MAX = 3, /* of pings and of their answers, for one message: two intervals at least */
    CLOSE_CODE_BYTES = 2,
    JITTER_PART = 4, /* a ping comes up to this part of ping_ms early */
};

struct ws_channel {
    struct conn *conn;
    const struct ws_config *config;
    const struct ws_handler *handler;
    void *arg;
    struct ws_framer framer;
    struct buf gathered; /* what has come of a message that is not whole */
    int deadlines;       /* that it has seen */
    bool is_over;        /* our close frame is written: nothing more goes in or out */
    bool is_paused;      /* by ws_channel_pause */
    bool is_pinged;      /* a ping was sent and its answer is being waited for */
    bool was_heard;      /* since that ping */
    bool was_full;       /* the output has been at output_max: on_room is due */
};

/* ---- writing ---- */

static void frame_write(struct ws_channel *channel, enum ws_opcode opcode, struct bytes head,
                        struct bytes tail)
{
    uint8_t frame[WS_FRAME_HEAD_MAX];
    size_t size = ws_frame_head(frame, opcode, head.size + tail.size, NULL);

    conn_write(channel->conn, bytes_of(frame, size));
    if (head.size > 0) {
        conn_write(channel->conn, head);
    }
    if (tail.size > 0) {
        conn_write(channel->conn, tail);
    }
    channel->was_full = channel->was_full || !ws_channel_has_room(channel);
}

void ws_channel_send(struct ws_channel *channel, struct bytes head, struct bytes tail)
{
    if (!channel->is_over) {
        frame_write(channel, WS_OPCODE_BINARY, head, tail);
    }
}

bool ws_channel_has_room(const struct ws_channel *channel)
{
    return !channel->is_over && conn_output_bytes(channel->conn) < channel->config->output_max;
}

/* ---- closing ---- */

static void close_write(struct ws_channel *channel, int code, const char *reason)
{
    uint8_t payload[WS_FRAME_CONTROL_MAX] = { (uint8_t)(code >> 8), (uint8_t)code };
    size_t size = strnlen(reason, sizeof payload - CLOSE_CODE_BYTES);

    memcpy(payload + CLOSE_CODE_BYTES, reason, size);
    frame_write(channel, WS_OPCODE_CLOSE, bytes_of(payload, CLOSE_CODE_BYTES + size),
                bytes_of(NULL, 0));
}

static void gathered_clear(struct ws_channel *channel)
{
    allowance_clear(conn_input_allowance(channel->conn), &channel->gathered);
    channel->deadlines = 0;
}

static void channel_finish(struct ws_channel *channel)
{
    channel->is_over = true;
    gathered_clear(channel);
    conn_finish(channel->conn);
}

static void channel_end(struct ws_channel *channel, int code, const char *reason)
{
    if (!channel->is_over) {
        close_write(channel, code, reason);
        channel_finish(channel);
    }
}

void ws_channel_close(struct ws_channel *channel, enum ws_close_code code, const char *reason)
{
    channel_end(channel, (int)code, reason);
}

/* ---- reading ---- */

static void close_received(struct ws_channel *channel, struct bytes payload)
{
    int code = 0;
    int fault = ws_frame_close_check(payload, &code);

    if (fault != 0) {
        channel_end(channel, fault, "a close frame holds a valid code and a reason in UTF-8");
    } else if (code != WS_FRAME_CLOSE_NONE) {
        channel_end(channel, code, "");
    } else {
        frame_write(channel, WS_OPCODE_CLOSE, bytes_of(NULL, 0), bytes_of(NULL, 0));
        channel_finish(channel);
    }
}

static void control_received(struct ws_channel *channel, const struct ws_piece *piece)
{
    uint8_t payload[WS_FRAME_CONTROL_MAX] = { 0 };
    struct bytes view = bytes_of(payload, piece->payload.size);

    CHECK(piece->payload.size <= sizeof payload); /* the framer refuses a longer one */
    ws_frame_mask(payload, piece->payload, piece->key);
    if (piece->opcode == WS_OPCODE_CLOSE) {
        close_received(channel, view);
    } else if (piece->opcode == WS_OPCODE_PING && ws_channel_has_room(channel)) {
        /* Without room no pong: a peer that only asks and never reads costs no memory. */
        frame_write(channel, WS_OPCODE_PONG, view, bytes_of(NULL, 0));
    }
}

static void scratch_deliver(struct ws_channel *channel, const struct ws_piece *piece)
{
    uint8_t scratch[SCRATCH_BYTES];

    ws_frame_mask(scratch, piece->payload, piece->key);
    channel->handler->on_message(channel->arg, bytes_of(scratch, piece->payload.size));
}

static void gather(struct ws_channel *channel, const struct ws_piece *piece)
{
    struct buf *gathered = &channel->gathered;

    if (piece->payload.size == 0) {
        return;
    }
    allowance_reserve(conn_input_allowance(channel->conn), gathered, piece->payload.size);
    ws_frame_mask(gathered->at + gathered->size, piece->payload, piece->key);
    gathered->size += piece->payload.size;
}

/* Whoever fills the room with large messages leaves some for small ones. */
static bool gathered_fits(const struct ws_channel *channel)
{
    bool is_small = channel->gathered.size <= SMALL_BYTES;

    return !allowance_is_spent(conn_input_allowance(channel->conn), is_small ? 2 : 1);
}

static void data_received(struct ws_channel *channel, const struct ws_piece *piece)
{
    if (piece->opcode == WS_OPCODE_TEXT) {
        ws_channel_close(channel, WS_CLOSE_UNSUPPORTED, "send binary messages");
        return;
    }
    if (piece->is_first && piece->is_last && piece->payload.size <= SCRATCH_BYTES) {
        scratch_deliver(channel, piece);
        return;
    }
    gather(channel, piece);
    if (piece->is_last) {
        /* Taken out first: the handler may close the channel, which clears it. */
        struct buf message = channel->gathered;
        allowance_count(conn_input_allowance(channel->conn), message.room, 0);
        channel->gathered = (struct buf){ 0 };
        channel->deadlines = 0;
        channel->handler->on_message(channel->arg, buf_view(&message));
        buf_clear(&message);
    } else if (!gathered_fits(channel)) {
        channel_end(channel, WS_CLOSE_TRY_LATER, "too many messages are under way, come again");
    }
}

static void piece_received(struct ws_channel *channel, const struct ws_piece *piece)
{
    if (piece->opcode >= WS_OPCODE_CLOSE) {
        control_received(channel, piece);
    } else {
        data_received(channel, piece);
    }
}

/* Read what input holds; returns the bytes used. */
static size_t channel_read(struct ws_channel *channel, struct bytes input)
{
    struct ws_piece piece;
    size_t used = 0;

    while (!channel->is_paused && !channel->is_over && !conn_is_paused(channel->conn)) {
        struct bytes rest = bytes_of(input.at + used, input.size - used);
        switch (ws_framer_next(&channel->framer, rest, &piece)) {
        case WS_FRAME_PIECE:
            used += piece.used;
            piece_received(channel, &piece);
            break;
        case WS_FRAME_MORE:
            return used;
        case WS_FRAME_BAD:
            channel_end(channel, WS_CLOSE_PROTOCOL, "not a valid WebSocket frame");
            break;
        case WS_FRAME_TOO_BIG:
            channel_end(channel, WS_CLOSE_TOO_BIG, "the message is too big");
            break;
        }
    }
    return used;
}

static size_t on_bytes(void *arg, struct conn *conn, struct bytes input)
{
    struct ws_channel *channel = arg;

    (void)conn;
    channel->was_heard = true;
    return channel_read(channel, input);
}

static void on_drained(void *arg, struct conn *conn)
{
    struct ws_channel *channel = arg;

    (void)conn;
    if (channel->was_full && ws_channel_has_room(channel)) {
        channel->was_full = false;
        channel->handler->on_room(channel->arg);
    }
}

static int64_t ping_wait_ms(const struct ws_config *config)
{
    uint32_t jitter = (uint32_t)(config->ping_ms / JITTER_PART) + 1;

    return config->ping_ms - random_below(jitter);
}

/* Say whether a message is not whole though it has had its time.  When it is we who do not
 * read, it begins anew. */
static bool is_dripping(struct ws_channel *channel)
{
    bool gathers = channel->gathered.size > 0 && !conn_is_paused(channel->conn);

    channel->deadlines = gathers ? channel->deadlines + 1 : 0;
    return channel->deadlines == DEADLINES_MAX;
}

/* A ping is due, or its answer is overdue. */
static void on_deadline(void *arg, struct conn *conn)
{
    struct ws_channel *channel = arg;

    if (is_dripping(channel)) {
        channel_end(channel, WS_CLOSE_POLICY, "a message must be whole in time");
        return;
    }
    if (!channel->is_pinged) {
        channel->is_pinged = true;
        channel->was_heard = false;
        frame_write(channel, WS_OPCODE_PING, bytes_of(NULL, 0), bytes_of(NULL, 0));
        conn_set_deadline(conn, channel->config->pong_ms);
        return;
    }
    channel->is_pinged = false;
    /* A peer that is not read from cannot be heard; it is asked again later. */
    if (channel->was_heard || conn_is_paused(conn)) {
        conn_set_deadline(conn, ping_wait_ms(channel->config));
        return;
    }
    conn_close(conn, CONN_END_DEADLINE);
}

static void on_closed(void *arg, struct conn *conn, enum conn_end end)
{
    struct ws_channel *channel = arg;

    (void)conn;
    (void)end;
    channel->is_over = true;
    channel->handler->on_closed(channel->arg);
    gathered_clear(channel);
    free(channel);
}

static const struct conn_protocol channel_protocol = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

struct ws_channel *ws_channel_accept(struct exchange *exchange, struct loop *loop,
                                     const char *protocol, const struct ws_config *config,
                                     const struct ws_handler *handler, void *arg)
{
    struct buf head = { 0 };

    (void)loop;
    ws_handshake_head(exchange, protocol, &head);
    struct conn *conn = exchange_take(exchange, buf_view(&head));
    buf_clear(&head);
    if (conn == NULL) {
        return NULL;
    }
    struct ws_channel *channel = mem_zeroed(1, sizeof *channel);
    channel->conn = conn;
    channel->config = config;
    channel->handler = handler;
    channel->arg = arg;
    ws_framer_init(&channel->framer, WS_ROLE_SERVER, config->message_max);
    conn_set_deadline(conn, ping_wait_ms(config));
    conn_set_protocol(conn, &channel_protocol, channel);
    return channel;
}

void ws_channel_pause(struct ws_channel *channel)
{
    if (!channel->is_over && !channel->is_paused) {
        channel->is_paused = true;
        conn_pause(channel->conn, CONN_PAUSE_REQUESTS);
    }
}

void ws_channel_resume(struct ws_channel *channel)
{
    if (channel->is_paused) {
        channel->is_paused = false;
        conn_resume(channel->conn, CONN_PAUSE_REQUESTS);
    }
}
