/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates of a running relay: end to end (receivers online), accept (receivers
 * offline) and drain.
 *
 *   sealpost_bench PORT BASE_URL PAIRS IN_FLIGHT SIZE SECONDS MODES [TLS_PORT]
 *
 * MODES: letters of e (end to end), a (accept), d (drain what accept left).  One line
 * "mode rate count seconds" each on standard output.  Every acknowledged send is
 * counted, and in e and d every delivery must have come, or the program fails.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/crypto.h"
#include "common/mem.h"
#include "tests/bench/load.h"

static void register_pairs(struct load *load, size_t pairs)
{
    load->sender_count = pairs;
    load->receiver_count = pairs;
    load->senders = mem_zeroed(pairs, sizeof load->senders[0]);
    load->receivers = mem_zeroed(pairs, sizeof load->receivers[0]);
    load->out = mem_zeroed(pairs, sizeof load->out[0]);
    load->in = mem_zeroed(pairs, sizeof load->in[0]);
    for (size_t i = 0; i < pairs; i++) {
        setup_person(&load->relay, &load->senders[i]);
        setup_person(&load->relay, &load->receivers[i]);
    }
}

int main(int argc, char **argv)
{
    struct load load = { .relay = { .host = "127.0.0.1" } };

    if (argc < 8 || argc > 9 || !crypto_start()) {
        load_fail(
            "usage: sealpost_bench PORT BASE_URL PAIRS IN_FLIGHT SIZE SECONDS MODES [TLS_PORT]");
    }
    load.relay.tls_port = argc == 9 ? (uint16_t)strtol(argv[8], NULL, 10) : 0;
    load.relay.port = (uint16_t)strtol(argv[1], NULL, 10);
    load.relay.base_url = argv[2];
    load.in_flight = (uint32_t)strtol(argv[4], NULL, 10);
    load_init(&load, (size_t)strtol(argv[5], NULL, 10));
    register_pairs(&load, (size_t)strtol(argv[3], NULL, 10));
    for (const char *mode = argv[7]; *mode != '\0'; mode++) {
        if (*mode == 'e') {
            load_send(&load, "end_to_end", strtol(argv[6], NULL, 10), true);
        } else if (*mode == 'a') {
            load_send(&load, "accept", strtol(argv[6], NULL, 10), false);
        } else {
            load_drain(&load, "drain", load.receivers, load.receiver_count, load.accepted);
        }
    }
    return 0;
}
