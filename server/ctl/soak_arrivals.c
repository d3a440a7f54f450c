/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/soak_arrivals.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/wire.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/message.h"
#include "server/ctl/people.h"
#include "server/ctl/stream_message.h"

enum {
    PERCENT = 100,
    P99 = 99,
    P50 = 50
};

enum exit_code soak_arrivals_init(struct soak_arrivals *arrivals, struct device *from,
                                  struct device *to, int64_t count, struct soak_counts *counts)
{
    *arrivals = (struct soak_arrivals){ .count = count, .counts = counts };
    random_fill(arrivals->run, sizeof arrivals->run);
    arrivals->times_ms = mem_zeroed((size_t)count, sizeof *arrivals->times_ms);
    arrivals->is_received = mem_zeroed((size_t)count, 1);
    return people_fetch(to, &from->state.account, &arrivals->sender);
}

void soak_arrivals_clear(struct soak_arrivals *arrivals)
{
    chain_clear(&arrivals->sender);
    free(arrivals->times_ms);
    free(arrivals->is_received);
    buf_clear(&arrivals->seqs);
}

void soak_arrivals_content(const struct soak_arrivals *arrivals, int64_t number, size_t size,
                           struct buf *out)
{
    buf_append(out, bytes_of(arrivals->run, sizeof arrivals->run));
    buf_append_u64(out, (uint64_t)number);
    while (out->size < size) {
        buf_append_u8(out, 0);
    }
}

void soak_arrivals_sent(struct soak_arrivals *arrivals, int64_t number, int64_t now_ms)
{
    arrivals->times_ms[number] = now_ms;
}

/* Read the number out of content; false when it is mail of another run. */
static bool content_number(const struct soak_arrivals *arrivals, struct bytes content,
                           int64_t *out_number)
{
    struct wire wire = wire_of(content);
    struct bytes run = wire_bytes(&wire, sizeof arrivals->run);
    uint64_t number = wire_u64(&wire);

    if (wire_is_bad(&wire) || !bytes_equal(run, bytes_of(arrivals->run, sizeof arrivals->run)) ||
        number >= (uint64_t)arrivals->count) {
        return false;
    }
    *out_number = (int64_t)number;
    return true;
}

static void number_take(struct soak_arrivals *arrivals, int64_t number)
{
    struct soak_counts *counts = arrivals->counts;

    if (arrivals->is_received[number] != 0) {
        if (number < arrivals->reconnect_to) {
            counts->again++;
        } else {
            counts->duplicates++;
        }
        return;
    }
    arrivals->is_received[number] = 1;
    arrivals->times_ms[number] = clock_steady_ms() - arrivals->times_ms[number];
    counts->received++;
    if (number != arrivals->next) {
        counts->out_of_order++;
    }
    arrivals->next = number + 1;
}

static bool is_signed(const struct soak_arrivals *arrivals, const struct device *to,
                      const struct message *message, const struct envelope_id *id)
{
    const struct manifest_device *device =
        memcmp(message->account.raw, arrivals->sender.account.raw, sizeof message->account.raw) == 0
            ? manifest_find(arrivals->sender.head, message->device_id)
            : NULL;

    return device != NULL && message_verify(message, &device->pub, &to->state.pub, id);
}

void soak_arrivals_deliver(struct soak_arrivals *arrivals, const struct device *to,
                           const struct stream_message *delivery)
{
    const struct device_state *state = &to->state;
    struct message message;
    struct buf plain = { 0 };
    int64_t number = 0;

    bool is_good =
        message_open(state->box_public, state->box_secret, delivery->body, &plain, &message) &&
        is_signed(arrivals, to, &message, &delivery->id);
    if (!is_good) {
        arrivals->counts->unopened++;
    } else if (content_number(arrivals, message.content, &number)) {
        number_take(arrivals, number);
    }
    buf_append_u64(&arrivals->seqs, delivery->seq);
    buf_clear(&plain);
}

void soak_arrivals_event(struct soak_arrivals *arrivals, struct bytes text)
{
    json_t *event = json_parse(text, LIMIT_JSON_DEPTH);
    const char *name = json_string_value(json_object_get(event, "event"));

    if (name != NULL && strcmp(name, "gap") == 0) {
        arrivals->counts->lost += json_integer_value(json_object_get(event, "count"));
        buf_append_u64(&arrivals->seqs,
                       (uint64_t)json_integer_value(json_object_get(event, "seq")));
    }
    json_decref(event);
}

void soak_arrivals_acks(struct soak_arrivals *arrivals, struct buf *out)
{
    size_t count = arrivals->seqs.size / sizeof(uint64_t);

    if (count > 0) {
        buf_append_u8(out, STREAM_ACK);
        buf_append_u32(out, 0);
        buf_append_u16(out, (uint16_t)count);
        buf_append(out, buf_view(&arrivals->seqs));
        buf_empty(&arrivals->seqs);
    }
}

void soak_arrivals_reconnected(struct soak_arrivals *arrivals)
{
    arrivals->reconnect_to = arrivals->next;
    buf_empty(&arrivals->seqs); /* the new stream delivers them again */
}

static int compare_times(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

void soak_arrivals_sum_up(struct soak_arrivals *arrivals)
{
    struct soak_counts *counts = arrivals->counts;
    int64_t *times = arrivals->times_ms;
    size_t size = 0;

    for (int64_t number = 0; number < arrivals->count; number++) {
        if (arrivals->is_received[number] != 0) {
            times[size++] = times[number];
        }
    }
    if (counts->accepted > counts->received + counts->lost) {
        counts->lost = counts->accepted - counts->received;
    }
    if (size == 0) {
        return;
    }
    qsort(times, size, sizeof times[0], compare_times);
    counts->p50_ms = times[size * P50 / PERCENT];
    counts->p99_ms = times[size * P99 / PERCENT];
    counts->max_ms = times[size - 1];
}
