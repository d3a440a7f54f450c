/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes 0 and 1 choose the role and the size of the steps, the rest is what the peer
 * sends.  Read whole and in steps it must come to the same end with the same payload,
 * without a byte read past what is there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/mem.h"
#include "server/ws/frame.h"

enum {
    MESSAGE_MAX = 4096,
    CHOICE_BYTES = 2
};

struct outcome {
    enum ws_frame_status status; /* MORE, BAD or TOO_BIG */
    uint64_t sum;                /* over every payload byte, message end and close code */
    size_t used;
};

static void outcome_add(struct outcome *outcome, uint64_t value)
{
    outcome->sum = (outcome->sum ^ value) * UINT64_C(0x100000001b3);
}

static void outcome_piece(struct outcome *outcome, const struct ws_piece *piece)
{
    uint8_t *plain = mem_raw(piece->payload.size);
    int code = 0;

    ws_frame_mask(plain, piece->payload, piece->key);
    for (size_t i = 0; i < piece->payload.size; i++) {
        outcome_add(outcome, plain[i] + 256 * (uint64_t)piece->opcode);
    }
    if (piece->opcode == WS_OPCODE_CLOSE) {
        int fault = ws_frame_close_check(bytes_of(plain, piece->payload.size), &code);
        outcome_add(outcome, (uint64_t)fault);
        outcome_add(outcome, (uint64_t)code);
    }
    if (piece->is_last) {
        outcome_add(outcome, 1 << 20);
    }
    free(plain);
}

static void outcome_read(struct outcome *outcome, struct ws_framer *framer, struct bytes input)
{
    struct ws_piece piece;

    for (;;) {
        struct bytes rest = bytes_of(input.at + outcome->used, input.size - outcome->used);
        outcome->status = ws_framer_next(framer, rest, &piece);
        if (outcome->status != WS_FRAME_PIECE) {
            return;
        }
        CHECK(piece.used > 0 && piece.used <= rest.size);
        CHECK(piece.payload.size <= piece.used);
        outcome->used += piece.used;
        outcome_piece(outcome, &piece);
    }
}

static struct outcome read_in_steps(enum ws_role role, struct bytes stream, size_t step)
{
    struct outcome outcome = { .status = WS_FRAME_MORE };
    struct ws_framer framer;

    ws_framer_init(&framer, role, MESSAGE_MAX);
    for (size_t sent = 0; sent < stream.size && outcome.status == WS_FRAME_MORE; sent += step) {
        size_t left = stream.size - sent;
        outcome_read(&outcome, &framer, bytes_of(stream.at, sent + (left < step ? left : step)));
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= CHOICE_BYTES) {
        return 0;
    }
    enum ws_role role = data[0] % 2 == 0 ? WS_ROLE_SERVER : WS_ROLE_CLIENT;
    struct bytes stream = bytes_of(data + CHOICE_BYTES, size - CHOICE_BYTES);
    struct outcome whole = read_in_steps(role, stream, stream.size);
    struct outcome steps = read_in_steps(role, stream, (size_t)data[1] + 1);

    CHECK(whole.status == steps.status);
    CHECK(whole.sum == steps.sum);
    CHECK(whole.used == steps.used);
    return 0;
}
