/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of the PROXY protocol, by which a proxy says at the front of a
 * connection for whom it made it (haproxy, proxy-protocol.txt of 2020/03/05):
 *
 *   version 1  one line of text, at most 107 bytes with its CRLF (section 2.1):
 *              PROXY TCP4 192.0.2.1 198.51.100.1 56324 443
 *              TCP4, TCP6, or UNKNOWN with anything up to the CRLF
 *   version 2  bytes (section 2.2):
 *              0  12  signature
 *              12  1  version (2) << 4 | command (0: LOCAL, 1: PROXY)
 *              13  1  family << 4 | transport
 *              14  2  size of what follows, big-endian: 0 to 65,535
 *              16  .  addresses and ports of that family, then TLVs
 *
 * LOCAL and UNKNOWN name nobody, and so does what is valid but no TCP over IP: a
 * datagram, a unix socket (section 2.2: as UNSPEC).  TLVs are skipped; those behind
 * addresses that count must fill their room exactly.  Everything else is refused,
 * as section 2 wants it: nothing is guessed.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"
#include "common/network.h"

enum {
    PROXY_HEADER_V1_MAX = 107,    /* bytes of a line, with CRLF */
    PROXY_HEADER_MAX = 16 + 65535 /* bytes of any header */
};

enum proxy_header_step {
    PROXY_HEADER_DONE = 0,
    PROXY_HEADER_MORE,   /* what is there may be the front of one */
    PROXY_HEADER_ABSENT, /* the bytes are something else */
    PROXY_HEADER_BAD     /* a header that breaks the rules */
};

struct proxy_header {
    bool names_client;
    struct network_address client; /* 0 when nobody is named */
    size_t bytes;                  /* of the header; what follows is the client's */
};

/*
 * Read the header at the front of input, the first bytes of a connection.  *out is
 * written for PROXY_HEADER_DONE alone.  It is never MORE once PROXY_HEADER_MAX bytes
 * are there.
 */
enum proxy_header_step proxy_header_read(struct bytes input, struct proxy_header *out);
