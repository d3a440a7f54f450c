/* SPDX-License-Identifier: Apache-2.0 */
#include "common/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/decimal.h"

enum {
    V4_AT = 12, /* where the IPv4 address stands in the mapped form */
    V4_BYTES = 4,
    PREFIX_BYTES = 8, /* a /64 */
    BITS_IN_BYTE = 8
};

static const uint8_t mapped[V4_AT] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const struct network_address *address)
{
    return memcmp(address->raw, mapped, sizeof mapped) == 0;
}

bool network_parse_address(struct bytes text, struct network_address *out)
{
    char copy[INET6_ADDRSTRLEN];
    struct network_address address;

    if (text.size == 0 || text.size >= sizeof copy || memchr(text.at, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    memcpy(address.raw, mapped, sizeof mapped);
    if (inet_pton(AF_INET, copy, address.raw + V4_AT) != 1 &&
        inet_pton(AF_INET6, copy, address.raw) != 1) {
        return false;
    }
    *out = address;
    return true;
}

static bool bit_of(const struct network_address *address, int bit)
{
    return (address->raw[bit / BITS_IN_BYTE] >> (BITS_IN_BYTE - 1 - bit % BITS_IN_BYTE) & 1) != 0;
}

/* Say whether nothing stands behind the first bits. */
static bool is_clean(const struct network *network)
{
    for (int bit = network->bits; bit < NETWORK_BITS; bit++) {
        if (bit_of(&network->address, bit)) {
            return false;
        }
    }
    return true;
}

bool network_parse(struct bytes text, struct network *out)
{
    const uint8_t *slash = text.size == 0 ? NULL : memchr(text.at, '/', text.size);
    size_t size = slash == NULL ? text.size : (size_t)(slash - text.at);
    struct network network = { .bits = NETWORK_BITS };
    int64_t bits = 0;

    if (!network_parse_address(bytes_of(text.at, size), &network.address)) {
        return false;
    }
    if (slash != NULL) {
        /* An IPv4 block is written as such: 1.2.3.0/24, not ::ffff:1.2.3.0/120. */
        bool v4 = memchr(text.at, ':', size) == NULL;
        int max = v4 ? V4_BYTES * BITS_IN_BYTE : NETWORK_BITS;
        if (!decimal_parse(bytes_of(slash + 1, text.size - size - 1), max, &bits)) {
            return false;
        }
        network.bits = (int)bits + NETWORK_BITS - max;
    }
    if (!is_clean(&network)) {
        return false;
    }
    *out = network;
    return true;
}

bool network_contains(const struct network *network, const struct network_address *address)
{
    int whole = network->bits / BITS_IN_BYTE;
    bool same = memcmp(network->address.raw, address->raw, (size_t)whole) == 0;

    for (int bit = whole * BITS_IN_BYTE; same && bit < network->bits; bit++) {
        same = bit_of(&network->address, bit) == bit_of(address, bit);
    }
    return same;
}

bool network_is_local(const struct network_address *address)
{
    static const char *const blocks[] = {
        "127.0.0.0/8",   "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "100.64.0.0/10", "::1",        "fc00::/7",      "fe80::/10",
    };

    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct network network;
        CHECK(network_parse(bytes_text(blocks[i]), &network));
        if (network_contains(&network, address)) {
            return true;
        }
    }
    return false;
}

void network_name(const struct network_address *address, char out[NETWORK_NAME_BYTES])
{
    struct network_address cut = *address;

    if (is_v4(address)) {
        (void)inet_ntop(AF_INET, address->raw + V4_AT, out, NETWORK_NAME_BYTES);
        return;
    }
    memset(cut.raw + PREFIX_BYTES, 0, sizeof cut.raw - PREFIX_BYTES);
    (void)inet_ntop(AF_INET6, cut.raw, out, NETWORK_NAME_BYTES);
}
