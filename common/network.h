/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of the network and blocks of them, as text and as bytes.  An IPv4
 * address stands as its IPv6-mapped form (RFC 4291 section 2.5.5.2), so that
 * there is one kind.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    NETWORK_ADDRESS_BYTES = 16,
    NETWORK_BITS = 128,
    NETWORK_NAME_BYTES = 24 /* "2001:db8:1111:2222::" and its like */
};

struct network_address {
    uint8_t raw[NETWORK_ADDRESS_BYTES];
};

/* A block: the addresses that agree with address in the first bits. */
struct network {
    struct network_address address;
    int bits;
};

/* Read "192.0.2.1" or "2001:db8::1", without brackets, port or zone. */
bool network_parse_address(struct bytes text, struct network_address *out);

/* Read an address, or one with "/BITS" whose further bits are 0. */
bool network_parse(struct bytes text, struct network *out);

bool network_contains(const struct network *network, const struct network_address *address);

/* Say whether address is of this machine or of a network that is nobody's alone: RFC 1918 and its like. */
bool network_is_local(const struct network_address *address);

/* Write the name under which a client is limited: IPv4 whole, IPv6 cut to its /64. */
void network_name(const struct network_address *address, char out[NETWORK_NAME_BYTES]);
