/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of a send without asking anybody: shape, then size, then the
 * plaintext guard and the size buckets.  Guard and buckets look at each body as
 * it will be delivered; a shared body is guarded by itself too, or a prefix of
 * one odd byte would hide a plain text behind it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/utf8.h"
#include "server/domain/body.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes.h"
#include "server/domain/envelopes_private.h"

static bool refuse(struct envelope_outcome *out, enum envelope_result result, const char *member,
                   int64_t max)
{
    out->result = result;
    out->member = member;
    out->max = max;
    return false;
}

static int pub_order(const void *a, const void *b)
{
    return memcmp(a, b, DEVICE_PUB_BYTES);
}

static bool has_twice(const struct envelope_send *send)
{
    struct device_pub *pubs = NULL;
    bool twice = false;

    if (send->count < 2) {
        return false;
    }
    pubs = mem_zeroed(send->count, sizeof pubs[0]);
    for (size_t i = 0; i < send->count; i++) {
        pubs[i] = send->recipients[i].pub;
    }
    qsort(pubs, send->count, sizeof pubs[0], pub_order);
    for (size_t i = 1; i < send->count && !twice; i++) {
        twice = pub_order(&pubs[i - 1], &pubs[i]) == 0;
    }
    free(pubs);
    return twice;
}

static bool check_shape(const struct envelope_send *send, struct envelope_outcome *out)
{
    if ((send->count < 1 && send->rider.add == NULL) || send->count > LIMIT_SEND_RECIPIENTS) {
        return refuse(out, ENVELOPE_VALUE_INVALID, "recipients", LIMIT_SEND_RECIPIENTS);
    }
    if (!send->online_only && (send->ttl_s < LIMIT_TTL_MIN_S || send->ttl_s > LIMIT_TTL_MAX_S)) {
        return refuse(out, ENVELOPE_VALUE_INVALID, "ttl", LIMIT_TTL_MAX_S);
    }
    if (has_twice(send)) {
        return refuse(out, ENVELOPE_VALUE_INVALID, "device_pub", 1);
    }
    return true;
}

static bool check_sizes(const struct envelope_send *send, struct envelope_outcome *out)
{
    size_t wire = send->shared.size;
    size_t stored = 0;

    for (size_t i = 0; i < send->count; i++) {
        size_t size = send->recipients[i].part.size + send->shared.size;
        if (size == 0) {
            return refuse(out, ENVELOPE_VALUE_INVALID, "body", LIMIT_ENVELOPE_BYTES);
        }
        if (size > LIMIT_ENVELOPE_BYTES) {
            return refuse(out, ENVELOPE_TOO_LARGE, NULL, LIMIT_ENVELOPE_BYTES);
        }
        wire += send->recipients[i].part.size;
        stored += size;
    }
    if (wire > LIMIT_SEND_WIRE_BYTES) {
        return refuse(out, ENVELOPE_TOO_LARGE, NULL, LIMIT_SEND_WIRE_BYTES);
    }
    if (stored > LIMIT_SEND_STORED_BYTES) {
        return refuse(out, ENVELOPE_TOO_LARGE, NULL, LIMIT_SEND_STORED_BYTES);
    }
    return true;
}

/* Ciphertext shows a control or a bad sequence within a few bytes, so this is quick. */
bool envelopes_is_plaintext(struct bytes body)
{
    size_t at = 0;

    if (body.size < LIMIT_GUARD_MIN_BYTES) {
        return false;
    }
    while (at < body.size) {
        uint8_t byte = body.at[at];
        size_t size = utf8_character(bytes_of(body.at + at, body.size - at));
        if (size == 0 || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r')) {
            return false;
        }
        at += size;
    }
    return true;
}

bool envelopes_guard_passes(const struct delivery *delivery, const struct envelope_send *send)
{
    if (!delivery->domain->settings.plaintext_guard) {
        return true;
    }
    if (send->shared_given && envelopes_is_plaintext(send->shared)) {
        return false;
    }
    for (size_t i = 0; i < delivery->count; i++) {
        const struct copy *copy = &delivery->copies[i];
        if (envelopes_is_plaintext(body_inside(bytes_of(copy->stored, copy->stored_bytes)))) {
            return false;
        }
    }
    return true;
}

bool envelopes_is_bucket(size_t size)
{
    static const size_t buckets[] = { 256,  512,   1024,  2048,  4096,
                                      8192, 16384, 32768, 65536, LIMIT_ENVELOPE_BYTES };

    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        if (size == buckets[i]) {
            return true;
        }
    }
    return false;
}

bool envelopes_buckets_pass(const struct domain *domain, const struct envelope_send *send)
{
    int64_t off = 0;

    if (domain->settings.size_buckets == DOMAIN_BUCKETS_OFF) {
        return true;
    }
    for (size_t i = 0; i < send->count; i++) {
        off += envelopes_is_bucket(send->recipients[i].part.size + send->shared.size) ? 0 : 1;
    }
    if (off > 0) {
        metrics_add(METRIC_size_off_bucket, off);
    }
    return off == 0 || domain->settings.size_buckets != DOMAIN_BUCKETS_ENFORCE;
}

bool envelopes_check(const struct envelope_send *send, struct envelope_outcome *out)
{
    return check_shape(send, out) && check_sizes(send, out);
}
