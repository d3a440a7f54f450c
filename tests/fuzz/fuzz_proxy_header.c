/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of the PROXY protocol, any bytes.  However they are cut the outcome is the
 * same, a front of a header is MORE and never anything else, what follows a header
 * changes nothing, and a header ends within its bound.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/network.h"
#include "server/net/proxy_header.h"

enum {
    CUTS_DENSE = 128 /* cuts are tried one by one up to here, then at some places */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_done(struct bytes input, const struct proxy_header *header)
{
    static const struct network_address nobody = { { 0 } };

    CHECK(header->bytes > 0 && header->bytes <= input.size && header->bytes <= PROXY_HEADER_MAX);
    CHECK(input.at[0] != 'P' || header->bytes <= PROXY_HEADER_V1_MAX);
    CHECK(header->names_client || memcmp(&header->client, &nobody, sizeof nobody) == 0);
}

static bool is_same(const struct proxy_header *a, const struct proxy_header *b)
{
    return a->names_client == b->names_client && a->bytes == b->bytes &&
           memcmp(&a->client, &b->client, sizeof a->client) == 0;
}

/* A front of input, in memory of its own so that reading past it is seen. */
static void try_front(struct bytes input, size_t size, enum proxy_header_step whole,
                      const struct proxy_header *header)
{
    struct proxy_header found = { .bytes = 0 };
    uint8_t *copy = mem_raw(size + 1);

    memcpy(copy + 1, input.at, size);
    enum proxy_header_step step = proxy_header_read(bytes_of(copy + 1, size), &found);
    free(copy);
    if (whole == PROXY_HEADER_DONE) {
        CHECK(step == (size < header->bytes ? PROXY_HEADER_MORE : PROXY_HEADER_DONE));
    } else {
        CHECK(step == whole || step == PROXY_HEADER_MORE);
    }
    CHECK(step != PROXY_HEADER_DONE || is_same(&found, header));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct proxy_header header = { .bytes = 0 };
    enum proxy_header_step step = proxy_header_read(input, &header);

    CHECK(step != PROXY_HEADER_MORE || size < PROXY_HEADER_MAX);
    if (step == PROXY_HEADER_DONE) {
        check_done(input, &header);
        try_front(input, header.bytes - 1, step, &header);
        try_front(input, header.bytes, step, &header);
    }
    for (size_t cut = 0; cut < size; cut += cut < CUTS_DENSE ? 1 : size / 4 + 1) {
        try_front(input, cut, step, &header);
    }
    return 0;
}
