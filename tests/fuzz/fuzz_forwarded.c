/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarded and X-Forwarded-For, any bytes.  Steps end, and move left.  And what a
 * client writes in front of a proxy's element changes nothing: the element that
 * the proxy appends is read as if it stood alone.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/network.h"
#include "server/net/forwarded.h"

typedef enum forwarded_step last_fn(struct bytes *rest, struct network_address *out);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_steps(last_fn *last, struct bytes field)
{
    struct bytes rest = field;
    struct network_address address;
    size_t before = 0;

    do {
        before = rest.size;
    } while (last(&rest, &address) != FORWARDED_END && rest.size < before);
    CHECK(rest.size == 0);
}

static void try_appended(last_fn *last, struct bytes field, const char *element)
{
    static const struct network_address wanted = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192,
                                                     0, 2, 7 } };
    struct network_address address;
    struct buf whole = { .at = NULL };
    struct bytes rest;

    buf_append(&whole, field);
    buf_append_text(&whole, element);
    rest = buf_view(&whole);
    CHECK(last(&rest, &address) == FORWARDED_ADDRESS);
    CHECK(memcmp(&address, &wanted, sizeof wanted) == 0);
    CHECK(rest.size <= field.size);
    buf_clear(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes field = bytes_of(data, size);

    try_steps(forwarded_last, field);
    try_steps(forwarded_last_x, field);
    try_appended(forwarded_last, field, ", for=192.0.2.7;proto=https");
    try_appended(forwarded_last, field, ",For=\"192.0.2.7:4711\"");
    try_appended(forwarded_last_x, field, ", 192.0.2.7");
    return 0;
}
