/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum {
    PORT_MAX = 65535,
    PORT_DIGITS = 5,
    HEAD_BYTES = 16,
    VERSION_AT = 12,
    FAMILY_AT = 13,
    SIZE_AT = 14,
    COMMAND_LOCAL = 0x20, /* with the version, as it stands in the byte */
    COMMAND_PROXY = 0x21,
    UNSPEC = 0x00, /* section 2.2: family and transport, as they stand in the byte */
    TCP_V4 = 0x11,
    UDP_V4 = 0x12,
    TCP_V6 = 0x21,
    UDP_V6 = 0x22,
    UNIX_STREAM = 0x31,
    UNIX_DGRAM = 0x32,
    V4_BYTES = 4, /* sizes of one address, and of two with their ports */
    V4_PAIR_BYTES = 12,
    V6_PAIR_BYTES = 36,
    UNIX_PAIR_BYTES = 216,
    TLV_HEAD_BYTES = 3
};

static const uint8_t signature[VERSION_AT] = { '\r', '\n', '\r', '\n', '\0', '\r',
                                               '\n', 'Q',  'U',  'I',  'T',  '\n' };
static const char word[] = "PROXY ";

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Say whether input begins as front does, as far as both go. */
static bool may_begin(struct bytes input, const void *front, size_t front_size)
{
    return input.size == 0 || memcmp(input.at, front, least(input.size, front_size)) == 0;
}

static uint16_t u16_at(struct bytes input, size_t at)
{
    return (uint16_t)(input.at[at] << 8 | input.at[at + 1]);
}

/* ---- version 1 ---- */

/* Take the next word off *line; words are parted by one space each. */
static struct bytes next_word(struct bytes *line)
{
    const uint8_t *space = line->size == 0 ? NULL : memchr(line->at, ' ', line->size);
    size_t size = space == NULL ? line->size : (size_t)(space - line->at);
    struct bytes found = bytes_of(line->at, size);
    size_t taken = space == NULL ? size : size + 1;

    *line = bytes_of(line->at + taken, line->size - taken);
    return found;
}

/* Read the address of a line into its mapped form; false when it is none of family. */
static bool read_address(struct bytes text, int family, struct network_address *out)
{
    char copy[INET6_ADDRSTRLEN] = { 0 };
    struct in_addr v4;
    struct in6_addr v6;

    if (text.size >= sizeof copy || memchr(text.at, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(copy, text.at, text.size);
    *out = (struct network_address){ { 0 } };
    if (family == AF_INET) {
        out->raw[10] = 0xff; /* the mapped form of network.h */
        out->raw[11] = 0xff;
        if (inet_pton(AF_INET, copy, &v4) != 1) {
            return false;
        }
        memcpy(out->raw + sizeof out->raw - V4_BYTES, &v4, V4_BYTES);
        return true;
    }
    if (inet_pton(AF_INET6, copy, &v6) != 1) {
        return false;
    }
    memcpy(out->raw, &v6, sizeof out->raw);
    return true;
}

/* A port has no zeroes in front. */
static bool is_port(struct bytes text)
{
    int port = 0;

    if (text.size == 0 || text.size > PORT_DIGITS || (text.size > 1 && text.at[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        port = port * 10 + (text.at[i] - '0');
    }
    return port <= PORT_MAX;
}

/* Read "SOURCE DESTINATION PORT PORT" and nothing more. */
static enum proxy_header_step read_pair(struct bytes line, int family, struct proxy_header *out)
{
    struct network_address destination;
    struct bytes source = next_word(&line);
    struct bytes other = next_word(&line);
    struct bytes source_port = next_word(&line);
    struct bytes last = line; /* to the end: a space in it makes it no port */

    if (!read_address(source, family, &out->client) || !read_address(other, family, &destination) ||
        !is_port(source_port) || !is_port(last)) {
        return PROXY_HEADER_BAD;
    }
    out->names_client = true;
    return PROXY_HEADER_DONE;
}

/* Find the CRLF of a line; SIZE_MAX when there is none. */
static size_t find_crlf(struct bytes input)
{
    for (size_t i = 0; i + 1 < input.size; i++) {
        if (input.at[i] == '\r' && input.at[i + 1] == '\n') {
            return i;
        }
    }
    return SIZE_MAX;
}

static enum proxy_header_step read_line(struct bytes input, struct proxy_header *out)
{
    struct bytes line = bytes_of(input.at, least(input.size, PROXY_HEADER_V1_MAX));
    size_t end = find_crlf(line);

    if (end == SIZE_MAX) {
        return line.size == PROXY_HEADER_V1_MAX ? PROXY_HEADER_BAD : PROXY_HEADER_MORE;
    }
    *out = (struct proxy_header){ .bytes = end + 2 };
    line = bytes_of(line.at + sizeof word - 1, end - (sizeof word - 1));
    struct bytes family = next_word(&line);
    if (bytes_equal(family, bytes_text("UNKNOWN"))) {
        return PROXY_HEADER_DONE;
    }
    if (bytes_equal(family, bytes_text("TCP4"))) {
        return read_pair(line, AF_INET, out);
    }
    return bytes_equal(family, bytes_text("TCP6")) ? read_pair(line, AF_INET6, out)
                                                   : PROXY_HEADER_BAD;
}

/* ---- version 2 ---- */

/* Bytes that the addresses of a family take; SIZE_MAX when there is no such family. */
static size_t pair_bytes(uint8_t family)
{
    switch (family) {
    case UNSPEC:
        return 0;
    case TCP_V4:
    case UDP_V4:
        return V4_PAIR_BYTES;
    case TCP_V6:
    case UDP_V6:
        return V6_PAIR_BYTES;
    case UNIX_STREAM:
    case UNIX_DGRAM:
        return UNIX_PAIR_BYTES;
    default:
        return SIZE_MAX;
    }
}

static bool tlvs_fit(struct bytes tlvs)
{
    size_t at = 0;

    while (tlvs.size - at >= TLV_HEAD_BYTES) {
        size_t size = TLV_HEAD_BYTES + (size_t)u16_at(tlvs, at + 1);
        if (size > tlvs.size - at) {
            return false;
        }
        at += size;
    }
    return at == tlvs.size;
}

/* Judge what can be judged before the addresses are there: head has HEAD_BYTES. */
static bool head_holds(struct bytes head)
{
    uint8_t command = head.at[VERSION_AT];
    size_t pair = pair_bytes(head.at[FAMILY_AT]);

    if (command == COMMAND_LOCAL) {
        return true; /* its family is discarded with its addresses, whatever it is */
    }
    return command == COMMAND_PROXY && pair != SIZE_MAX && u16_at(head, SIZE_AT) >= pair;
}

static enum proxy_header_step read_client(struct bytes body, uint8_t family,
                                          struct proxy_header *out)
{
    size_t pair = pair_bytes(family);

    if (!tlvs_fit(bytes_of(body.at + pair, body.size - pair))) {
        return PROXY_HEADER_BAD;
    }
    out->names_client = true;
    if (family == TCP_V6) {
        memcpy(out->client.raw, body.at, sizeof out->client.raw);
        return PROXY_HEADER_DONE;
    }
    out->client.raw[10] = 0xff;
    out->client.raw[11] = 0xff;
    memcpy(out->client.raw + sizeof out->client.raw - V4_BYTES, body.at, V4_BYTES);
    return PROXY_HEADER_DONE;
}

static enum proxy_header_step read_bytes(struct bytes input, struct proxy_header *out)
{
    if (input.size > VERSION_AT && input.at[VERSION_AT] != COMMAND_LOCAL &&
        input.at[VERSION_AT] != COMMAND_PROXY) {
        return PROXY_HEADER_BAD;
    }
    if (input.size < HEAD_BYTES) {
        return PROXY_HEADER_MORE;
    }
    if (!head_holds(input)) {
        return PROXY_HEADER_BAD;
    }
    size_t size = u16_at(input, SIZE_AT);
    if (input.size - HEAD_BYTES < size) {
        return PROXY_HEADER_MORE;
    }
    uint8_t family = input.at[FAMILY_AT];
    *out = (struct proxy_header){ .bytes = HEAD_BYTES + size };
    if (input.at[VERSION_AT] == COMMAND_LOCAL || (family != TCP_V4 && family != TCP_V6)) {
        return PROXY_HEADER_DONE;
    }
    return read_client(bytes_of(input.at + HEAD_BYTES, size), family, out);
}

/* ---- both ---- */

enum proxy_header_step proxy_header_read(struct bytes input, struct proxy_header *out)
{
    struct proxy_header read = { .bytes = 0 };
    enum proxy_header_step step = PROXY_HEADER_ABSENT;

    if (may_begin(input, signature, sizeof signature)) {
        step = input.size < sizeof signature ? PROXY_HEADER_MORE : read_bytes(input, &read);
    } else if (may_begin(input, word, sizeof word - 1)) {
        step = input.size < sizeof word - 1 ? PROXY_HEADER_MORE : read_line(input, &read);
    }
    if (step == PROXY_HEADER_DONE) {
        *out = read;
    }
    return step;
}
