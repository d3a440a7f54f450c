/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/random.h"
#include "common/wire.h"

enum {
    EVENTS = 256,
    SEND = 1,
    SEND_ONLINE_ONLY = 2,
    SEND_SHARED = 8,
    ACK_UPTO = 3,
    RESULT = 0x81,
    DELIVER = 0x82,
    EVENT = 0x83,
    TTL_S = 2592000,
    IDLE_MS = 10000,
    WARM_UP_MS = 500
};

void load_fail(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): there is one thread */
}

void load_init(struct load *load, size_t body_bytes)
{
    uint8_t byte = 0;

    for (size_t i = 0; i < body_bytes; i++) {
        random_fill(&byte, 1);
        buf_append_u8(&load->body, byte);
    }
    random_fill(&load->next_id, sizeof load->next_id);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->left = -1;
}

static void append_recipients(struct load *load, size_t sender, struct buf *head)
{
    size_t copies = load->copies == 0 ? 1 : load->copies;
    size_t step = load->receiver_count / copies;
    size_t at = load->copies == 0 ? sender : random_below((uint32_t)load->receiver_count);

    buf_append_u16(head, (uint16_t)copies);
    for (size_t i = 0; i < copies; i++, at = (at + step) % load->receiver_count) {
        buf_append(head, bytes_of(load->receivers[at].pub.raw, DEVICE_PUB_BYTES));
        buf_append_u32(head, copies > 1 ? 0 : (uint32_t)load->body.size);
        if (load->waiting != NULL && !load->online_only) {
            load->waiting[at]++;
        }
    }
}

static void send_one(struct load *load, struct peer *peer)
{
    bool is_shared = load->copies > 1;
    size_t sender = (size_t)(peer - load->out);
    struct buf head = { 0 };

    buf_append_u8(&head, SEND);
    buf_append_u32(&head, (uint32_t)load->next_id);
    buf_append_u8(&head, (uint8_t)((load->online_only ? SEND_ONLINE_ONLY : 0) |
                                   (is_shared ? SEND_SHARED : 0)));
    buf_append_u32(&head, TTL_S);
    buf_append_u64(&head, load->next_id++);
    buf_append_u64(&head, sender);
    if (is_shared) {
        buf_append_u32(&head, (uint32_t)load->body.size);
        buf_append(&head, buf_view(&load->body));
    }
    append_recipients(load, sender, &head);
    peer_send(peer, buf_view(&head), is_shared ? bytes_of(NULL, 0) : buf_view(&load->body));
    buf_clear(&head);
    peer->waiting++;
    load->left -= load->left < 0 ? 0 : (load->copies == 0 ? 1 : load->copies);
}

static void on_message(struct peer *peer, struct bytes message, void *arg)
{
    static const char caught_up[] = "\"caught_up\"";
    struct load *load = arg;
    struct wire wire = wire_of(message);
    uint8_t type = wire_u8(&wire);

    if (type == RESULT) {
        (void)wire_u32(&wire);
        uint16_t status = wire_u16(&wire);
        if (status != 201 && status != 202) {
            (void)fprintf(stderr, "%.*s\n", (int)wire.left, (const char *)wire.at);
            load_fail("a send was refused");
        }
        peer->waiting--;
        load->accepted += load->copies == 0 ? 1 : load->copies;
    } else if (type == DELIVER) {
        peer->last_seq = (int64_t)wire_u64(&wire);
        load->delivered++;
    } else if (type == EVENT &&
               memmem(wire.at, wire.left, caught_up, sizeof caught_up - 1) != NULL) {
        load->caught_up++;
    }
}

static bool may_send(const struct load *load, const struct peer *peer)
{
    return load->sending && load->left != 0 && peer >= load->out &&
           peer < load->out + load->sender_count && peer->waiting < load->in_flight;
}

static void peer_turn(struct load *load, struct peer *peer)
{
    peer_read(peer, on_message, load);
    while (may_send(load, peer)) {
        send_one(load, peer);
    }
    if (peer->last_seq != 0) {
        struct buf ack = { 0 };
        buf_append_u8(&ack, ACK_UPTO);
        buf_append_u32(&ack, 0);
        buf_append_u64(&ack, (uint64_t)peer->last_seq);
        peer_send(peer, buf_view(&ack), bytes_of(NULL, 0));
        buf_clear(&ack);
        peer->last_seq = 0;
    }
    (void)peer_flush(peer);
}

void load_turn(struct load *load)
{
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(load->epoll, events, EVENTS, IDLE_MS);

    for (int i = 0; i < ready; i++) {
        peer_turn(load, events[i].data.ptr);
    }
    if (ready == 0 || (ready < 0 && errno != EINTR)) {
        load_fail("answers or deliveries are missing");
    }
}

void load_open(struct load *load, struct peer *peers, const struct person *people, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        peer_begin(&peers[i], &load->relay, &people[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &peers[i] };
        peer_finish(&peers[i]);
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, peers[i].fd, &event) != 0) {
            load_fail("epoll_ctl");
        }
        peer_turn(load, &peers[i]); /* what came with the upgrade wakes nobody */
    }
}

void load_close(struct peer *peers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        peer_close(&peers[i]);
    }
}

static bool is_waiting(const struct load *load)
{
    for (size_t i = 0; i < load->sender_count; i++) {
        if (load->out[i].waiting > 0) {
            return true;
        }
    }
    return false;
}

static void report(const char *mode, int64_t count, int64_t ms)
{
    (void)printf("%s %.0f %lld %.2f\n", mode, (double)count * 1000.0 / (double)ms, (long long)count,
                 (double)ms / 1000.0);
    (void)fflush(stdout);
}

static void turn_for(struct load *load, int64_t ms)
{
    int64_t until = clock_steady_ms() + ms;

    while (clock_steady_ms() < until) {
        load_turn(load);
    }
}

void load_send(struct load *load, const char *mode, int64_t seconds, bool online)
{
    const int64_t *counter = online ? &load->delivered : &load->accepted;

    load->accepted = 0;
    load->delivered = 0;
    if (online) {
        load_open(load, load->in, load->receivers, load->receiver_count);
    }
    load->sending = true;
    load_open(load, load->out, load->senders, load->sender_count);
    turn_for(load, WARM_UP_MS);
    int64_t start = clock_steady_ms();
    int64_t before = *counter;
    turn_for(load, seconds * 1000);
    report(mode, *counter - before, clock_steady_ms() - start);
    load->sending = false;
    while (is_waiting(load) || (online && load->delivered < load->accepted)) {
        load_turn(load);
    }
    load_close(load->out, load->sender_count);
    if (online) {
        load_close(load->in, load->receiver_count);
    }
}

void load_fill(struct load *load, int64_t count)
{
    load->left = count / load->copies * load->copies;
    load->accepted = 0;
    load->sending = true;
    load_open(load, load->out, load->senders, load->sender_count);
    while (load->left != 0 || is_waiting(load)) {
        load_turn(load);
    }
    load->sending = false;
    load->left = -1;
    load_close(load->out, load->sender_count);
}

void load_drain(struct load *load, const char *mode, const struct person *people, size_t count,
                int64_t wanted)
{
    int64_t start = clock_steady_ms();

    load->delivered = 0;
    load_open(load, load->in, people, count);
    while (load->delivered < wanted) {
        load_turn(load);
    }
    report(mode, load->delivered, clock_steady_ms() - start);
    load_close(load->in, count);
}
