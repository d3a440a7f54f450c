/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a relay does while a million envelopes wait, and what an idle stream costs it.
 *
 *   sealpost_million PORT TLS_PORT BASE_URL PID SIZE SECONDS
 *
 * One daemon, fresh, in this order: idle streams, plain and over TLS; accept by few mailboxes and
 * by many on the empty store; the many are filled, all of it sent to the daemon; memory of the
 * process PID; accept by many and by few; drain of few mailboxes with much in each, and of many with
 * little.  One line "name value" each on standard output, of a rate with count and seconds behind it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/bench/load.h"

enum {
    PAIRS = 64,
    IN_FLIGHT = 16,
    ENVELOPES = 1000000,
    MAILBOXES = 100000,
    FILL_COPIES = 20,   /* recipients of a SEND while filling */
    WARM_COPIES = 1000, /* and of one that makes mailboxes known */
    IDLE = 2000,        /* streams of each kind */
    IDLE_LOT = 50,      /* of them at once */
    DRAINED = 4096,     /* of the many mailboxes */
    REST_S = 35,        /* then the relay has given back what only the filling needed */
    LINE_BYTES = 256
};

struct crowd {
    struct load load;
    struct person *few; /* PAIRS of them, with sessions */
    struct person *many;
    uint16_t *waiting; /* for each of many */
    const char *pid;
    uint16_t tls_port;
    int64_t seconds;
};

/* Resident bytes of the daemon. */
static int64_t resident_bytes(const struct crowd *crowd)
{
    char line[LINE_BYTES];
    int64_t kib = 0;

    (void)snprintf(line, sizeof line, "/proc/%s/status", crowd->pid);
    FILE *file = fopen(line, "re");
    if (file == NULL) {
        load_fail("the daemon is not there");
    }
    while (kib == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", strlen("VmRSS:")) == 0) {
            kib = strtol(line + strlen("VmRSS:"), NULL, 10);
        }
    }
    (void)fclose(file);
    return kib * 1024;
}

static void report(const char *name, int64_t value)
{
    (void)printf("%s %" PRId64 "\n", name, value);
    (void)fflush(stdout);
}

/* Register count people, as many devices an account as it may have. */
static struct person *people_create(const struct crowd *crowd, size_t count)
{
    struct person *people = mem_zeroed(count, sizeof people[0]);

    for (size_t i = 0; i < count; i += LIMIT_MANIFEST_DEVICES) {
        size_t rest = count - i;
        setup_account(&crowd->load.relay, &people[i],
                      rest < LIMIT_MANIFEST_DEVICES ? rest : LIMIT_MANIFEST_DEVICES);
    }
    return people;
}

static void people_sign_in(const struct crowd *crowd, struct person *people, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        setup_session(&crowd->load.relay, &people[i]);
    }
}

static void aim_at(struct crowd *crowd, struct person *people, size_t count, uint16_t copies)
{
    crowd->load.receivers = people;
    crowd->load.receiver_count = count;
    crowd->load.copies = copies;
    crowd->load.waiting = people == crowd->many ? crowd->waiting : NULL;
}

/* Make the daemon load all mailboxes, so that neither memory nor rates begin with that. */
static void people_warm(struct crowd *crowd, struct person *people, size_t count)
{
    crowd->load.online_only = true;
    for (size_t i = 0; i < count; i += WARM_COPIES) {
        aim_at(crowd, &people[i], WARM_COPIES, WARM_COPIES);
        load_fill(&crowd->load, WARM_COPIES);
    }
    crowd->load.online_only = false;
}

/* A lot after the other, or the heap would keep what opening all at once takes for a moment. */
static void measure_idle(struct crowd *crowd, const char *name, struct peer *peers,
                         const struct person *people)
{
    struct load *load = &crowd->load;
    int64_t before = resident_bytes(crowd);

    load->caught_up = 0;
    for (size_t i = 0; i < IDLE; i += IDLE_LOT) {
        load_open(load, peers + i, people + i, IDLE_LOT);
        while ((size_t)load->caught_up < i + IDLE_LOT) {
            load_turn(load);
        }
    }
    report(name, (resident_bytes(crowd) - before) / IDLE);
}

/* The plain streams stay open while the others come, or these would get the memory of those. */
static void measure_streams(struct crowd *crowd)
{
    const size_t both = (size_t)2 * IDLE;
    struct person *people = people_create(crowd, both);
    struct peer *peers = mem_zeroed(both, sizeof peers[0]);

    people_sign_in(crowd, people, both);
    people_warm(crowd, people, both);
    measure_idle(crowd, "idle_plain_bytes", peers, people);
    crowd->load.relay.tls_port = crowd->tls_port;
    measure_idle(crowd, "idle_tls_bytes", peers + IDLE, people + IDLE);
    crowd->load.relay.tls_port = 0;
    load_close(peers, both);
    free(peers);
    free(people);
}

static void measure_few(struct crowd *crowd, const char *accept, const char *drain)
{
    aim_at(crowd, crowd->few, PAIRS, 0);
    load_send(&crowd->load, accept, crowd->seconds, false);
    load_drain(&crowd->load, drain, crowd->few, PAIRS, crowd->load.accepted);
}

static void measure_many(struct crowd *crowd, const char *accept)
{
    aim_at(crowd, crowd->many, MAILBOXES, 1);
    load_send(&crowd->load, accept, crowd->seconds, false);
}

static void fill(struct crowd *crowd)
{
    int64_t start = clock_steady_ms();
    int64_t waiting = 0;

    for (size_t i = 0; i < MAILBOXES; i++) {
        waiting += crowd->waiting[i];
    }
    aim_at(crowd, crowd->many, MAILBOXES, FILL_COPIES);
    if (waiting < ENVELOPES) {
        load_fill(&crowd->load, ENVELOPES - waiting);
    }
    report("fill_ms", clock_steady_ms() - start);
    const struct timespec rest = { .tv_sec = REST_S };
    (void)nanosleep(&rest, NULL);
    report("resident_bytes", resident_bytes(crowd));
}

static void measure_drain_many(struct crowd *crowd)
{
    int64_t wanted = 0;

    people_sign_in(crowd, crowd->many, DRAINED);
    for (size_t i = 0; i < DRAINED; i++) {
        wanted += crowd->waiting[i];
    }
    load_drain(&crowd->load, "drain_many", crowd->many, DRAINED, wanted);
}

int main(int argc, char **argv)
{
    struct crowd crowd = { .load = { .relay = { .host = "127.0.0.1" }, .in_flight = IN_FLIGHT } };
    struct load *load = &crowd.load;

    if (argc != 7 || !crypto_start()) {
        load_fail("usage: sealpost_million PORT TLS_PORT BASE_URL PID SIZE SECONDS");
    }
    load->relay.port = (uint16_t)strtol(argv[1], NULL, 10);
    crowd.tls_port = (uint16_t)strtol(argv[2], NULL, 10);
    load->relay.base_url = argv[3];
    crowd.pid = argv[4];
    load_init(load, (size_t)strtol(argv[5], NULL, 10));
    crowd.seconds = strtol(argv[6], NULL, 10);
    load->sender_count = PAIRS;
    load->senders = people_create(&crowd, PAIRS);
    load->out = mem_zeroed(PAIRS, sizeof load->out[0]);
    load->in = mem_zeroed(DRAINED, sizeof load->in[0]);
    people_sign_in(&crowd, load->senders, PAIRS);
    measure_streams(&crowd);
    crowd.few = people_create(&crowd, PAIRS);
    people_sign_in(&crowd, crowd.few, PAIRS);
    crowd.many = people_create(&crowd, MAILBOXES);
    crowd.waiting = mem_zeroed(MAILBOXES, sizeof crowd.waiting[0]);
    people_warm(&crowd, crowd.many, MAILBOXES);
    measure_few(&crowd, "accept_few_empty", "drain_few_empty");
    measure_many(&crowd, "accept_many_empty");
    fill(&crowd);
    measure_many(&crowd, "accept_many");
    measure_few(&crowd, "accept_few", "drain_few");
    measure_drain_many(&crowd);
    report("resident_bytes_after", resident_bytes(&crowd));
    return 0;
}
