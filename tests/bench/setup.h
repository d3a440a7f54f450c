/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People for a measurement: each registers an account with one device on a relay
 * with open registration and begins a session.  Blocking; ends the program with
 * a sentence when the relay refuses.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"

enum {
    TOKEN_TEXT_BYTES = 64
};

struct person {
    uint32_t device_id;
    uint8_t seed[32];
    struct account_id account;
    struct device_pub pub;
    char token[TOKEN_TEXT_BYTES];
};

struct relay_address {
    const char *host; /* an IPv4 address */
    uint16_t port;
    uint16_t tls_port; /* for streams instead, with TLS; 0: none */
    const char *base_url;
};

/* Register an account with count new devices (1..LIMIT_MANIFEST_DEVICES), a person each. */
void setup_account(const struct relay_address *relay, struct person *out, size_t count);

/* Begin a session of a person who is registered. */
void setup_session(const struct relay_address *relay, struct person *person);

/* Register a new person alone and begin a session. */
void setup_person(const struct relay_address *relay, struct person *out);

/* Open a connection to port of the relay; ends the program when that fails. */
int setup_connect(const struct relay_address *relay, uint16_t port);
