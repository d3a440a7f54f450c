/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two header fields in which proxies say for whom they ask: Forwarded
 * (RFC 7239) and X-Forwarded-For.  Each proxy adds one element at the end, so
 * only the end is vouched for by somebody we may know: elements are taken from
 * right to left, and what stands left of the last one taken is never looked at.
 * Pure; any thread.
 */
#pragma once

#include "common/bytes.h"

struct network_address;

enum forwarded_step {
    FORWARDED_ADDRESS = 0, /* the element names an address */
    FORWARDED_HIDDEN,      /* it names nobody: unknown, an obfuscated name, no "for" */
    FORWARDED_BAD,         /* it cannot be read */
    FORWARDED_END          /* there is none */
};

/* Take the last element off *rest, a value of Forwarded. */
enum forwarded_step forwarded_last(struct bytes *rest, struct network_address *out);

/* The same for X-Forwarded-For: addresses, IPv6 with or without brackets, or "unknown". */
enum forwarded_step forwarded_last_x(struct bytes *rest, struct network_address *out);
