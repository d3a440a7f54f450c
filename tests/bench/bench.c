/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates of a running relay: end to end (receivers online), accept (receivers
 * offline) and drain.  One process, one thread, epoll.
 *
 *   sealpost_bench PORT BASE_URL PAIRS IN_FLIGHT SIZE SECONDS MODES [TLS_PORT]
 *
 * MODES: letters of e (end to end), a (accept), d (drain what accept left).  One line
 * "mode rate count seconds" each on standard output.  Every acknowledged send is
 * counted, and in e and d every delivery must have come, or the program fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/clock.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/wire.h"
#include "tests/bench/peer.h"

enum {
    EVENTS = 256,
    ACK_UPTO = 3,
    RESULT = 0x81,
    DELIVER = 0x82,
    IDLE_MS = 10000
};

struct bench {
    struct relay_address relay;
    size_t pairs;
    uint32_t in_flight;
    struct buf body;
    struct person *senders, *receivers;
    struct peer *out, *in;
    int epoll;
    bool sending;
    uint64_t next_id;
    int64_t accepted, delivered;
    int64_t accepted_before;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): there is one thread */
}

static void watch(struct bench *bench, struct peer *peer)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

    if (epoll_ctl(bench->epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void send_one(struct bench *bench, struct peer *peer)
{
    size_t n = (size_t)(peer - bench->out);
    struct buf head = { 0 };

    buf_append_u8(&head, 1);
    buf_append_u32(&head, (uint32_t)bench->next_id);
    buf_append_u8(&head, 0);
    buf_append_u32(&head, 2592000);
    buf_append_u64(&head, bench->next_id++);
    buf_append_u64(&head, n);
    buf_append_u16(&head, 1);
    buf_append(&head, bytes_of(bench->receivers[n].pub.raw, DEVICE_PUB_BYTES));
    buf_append_u32(&head, (uint32_t)bench->body.size);
    peer_send(peer, buf_view(&head), buf_view(&bench->body));
    buf_clear(&head);
    peer->waiting++;
}

static void on_message(struct peer *peer, struct bytes message, void *arg)
{
    struct bench *bench = arg;
    struct wire wire = wire_of(message);
    uint8_t type = wire_u8(&wire);

    if (type == RESULT) {
        (void)wire_u32(&wire);
        if (wire_u16(&wire) != 201) {
            (void)fprintf(stderr, "%.*s\n", (int)wire.left, (const char *)wire.at);
            fail("a send was refused");
        }
        peer->waiting--;
        bench->accepted++;
    } else if (type == DELIVER) {
        peer->last_seq = (int64_t)wire_u64(&wire);
        bench->delivered++;
    }
}

static void peer_turn(struct bench *bench, struct peer *peer)
{
    bool is_sender = peer >= bench->out && peer < bench->out + bench->pairs;

    peer_read(peer, on_message, bench);
    while (is_sender && bench->sending && peer->waiting < bench->in_flight) {
        send_one(bench, peer);
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

/* One round of ready sockets; false when nothing happened for IDLE_MS. */
static bool turn(struct bench *bench)
{
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(bench->epoll, events, EVENTS, IDLE_MS);

    for (int i = 0; i < ready; i++) {
        peer_turn(bench, events[i].data.ptr);
    }
    return ready > 0 || errno == EINTR;
}

static void open_peers(struct bench *bench, struct peer *peers, const struct person *people)
{
    for (size_t i = 0; i < bench->pairs; i++) {
        peer_open(&peers[i], &bench->relay, &people[i]);
        watch(bench, &peers[i]);
    }
}

static void close_peers(struct bench *bench, struct peer *peers)
{
    for (size_t i = 0; i < bench->pairs; i++) {
        peer_close(&peers[i]);
    }
}

static bool is_waiting(const struct bench *bench)
{
    for (size_t i = 0; i < bench->pairs; i++) {
        if (bench->out[i].waiting > 0) {
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

/* Send for seconds; count what was accepted, or delivered, in that time. */
static void run_sends(struct bench *bench, const char *mode, int64_t seconds, bool online)
{
    int64_t start = 0;
    int64_t before = 0;
    int64_t count = 0;

    bench->accepted = 0;
    bench->delivered = 0;
    if (online) {
        open_peers(bench, bench->in, bench->receivers);
    }
    open_peers(bench, bench->out, bench->senders);
    bench->sending = true;
    for (size_t i = 0; i < bench->pairs; i++) {
        peer_turn(bench, &bench->out[i]);
    }
    start = clock_steady_ms();
    while (clock_steady_ms() - start < 500) { /* warm up */
        (void)turn(bench);
    }
    start = clock_steady_ms();
    before = online ? bench->delivered : bench->accepted;
    while (clock_steady_ms() - start < seconds * 1000) {
        if (!turn(bench)) {
            fail("the relay stopped answering");
        }
    }
    count = (online ? bench->delivered : bench->accepted) - before;
    report(mode, count, clock_steady_ms() - start);
    bench->sending = false;
    while (is_waiting(bench) || (online && bench->delivered < bench->accepted)) {
        if (!turn(bench)) {
            fail("deliveries are missing");
        }
    }
    close_peers(bench, bench->out);
    if (online) {
        close_peers(bench, bench->in);
    }
    bench->accepted_before = online ? 0 : bench->accepted;
}

static void run_drain(struct bench *bench)
{
    int64_t start = clock_steady_ms();

    bench->delivered = 0;
    open_peers(bench, bench->in, bench->receivers);
    while (bench->delivered < bench->accepted_before) {
        if (!turn(bench)) {
            fail("deliveries are missing");
        }
    }
    report("drain", bench->delivered, clock_steady_ms() - start);
    close_peers(bench, bench->in);
}

int main(int argc, char **argv)
{
    struct bench bench = { .relay = { .host = "127.0.0.1" } };
    int64_t seconds = 0;
    uint8_t byte = 0;

    if (argc < 8 || argc > 9 || !crypto_start()) {
        fail("usage: sealpost_bench PORT BASE_URL PAIRS IN_FLIGHT SIZE SECONDS MODES [TLS_PORT]");
    }
    bench.relay.tls_port = argc == 9 ? (uint16_t)strtol(argv[8], NULL, 10) : 0;
    bench.relay.port = (uint16_t)strtol(argv[1], NULL, 10);
    bench.relay.base_url = argv[2];
    bench.pairs = (size_t)strtol(argv[3], NULL, 10);
    bench.in_flight = (uint32_t)strtol(argv[4], NULL, 10);
    for (long i = strtol(argv[5], NULL, 10); i > 0; i--) {
        random_fill(&byte, 1);
        buf_append_u8(&bench.body, byte);
    }
    seconds = strtol(argv[6], NULL, 10);
    bench.senders = mem_zeroed(bench.pairs, sizeof bench.senders[0]);
    bench.receivers = mem_zeroed(bench.pairs, sizeof bench.receivers[0]);
    bench.out = mem_zeroed(bench.pairs, sizeof bench.out[0]);
    bench.in = mem_zeroed(bench.pairs, sizeof bench.in[0]);
    random_fill(&bench.next_id, sizeof bench.next_id);
    bench.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < bench.pairs; i++) {
        setup_person(&bench.relay, &bench.senders[i]);
        setup_person(&bench.relay, &bench.receivers[i]);
    }
    for (const char *mode = argv[7]; *mode != '\0'; mode++) {
        if (*mode == 'e') {
            run_sends(&bench, "end_to_end", seconds, true);
        } else if (*mode == 'a') {
            run_sends(&bench, "accept", seconds, false);
        } else {
            run_drain(&bench);
        }
    }
    return 0;
}
