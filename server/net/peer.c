/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/peer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/net/conn_private.h"
#include "server/net/crowd.h"
#include "server/net/forwarded.h"
#include "server/net/net_private.h"

enum {
    HOPS_MAX = 32 /* elements of a field that are looked at */
};

struct peer_trust {
    bool unix_sockets;
    size_t count;
    struct network networks[];
};

typedef enum forwarded_step last_fn(struct bytes *rest, struct network_address *out);

static struct bytes next_part(const char **at)
{
    size_t size = 0;

    *at += strspn(*at, ", ");
    size = strcspn(*at, ", ");
    *at += size;
    return bytes_of((const uint8_t *)*at - size, size);
}

struct peer_trust *peer_trust_create(const char *list)
{
    /* A part has one byte and a comma at least. */
    size_t most = strlen(list) / 2 + 1;
    struct peer_trust *trust = mem_zeroed(1, sizeof *trust + most * sizeof trust->networks[0]);

    for (const char *at = list;;) {
        struct bytes part = next_part(&at);
        if (part.size == 0) {
            return trust;
        }
        if (bytes_equal(part, bytes_text("unix"))) {
            trust->unix_sockets = true;
        } else if (network_parse(part, &trust->networks[trust->count])) {
            trust->count++;
        } else {
            free(trust);
            return NULL;
        }
    }
}

void peer_trust_destroy(struct peer_trust *trust)
{
    free(trust);
}

static bool has_address(const struct peer_trust *trust, const struct network_address *address)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (network_contains(&trust->networks[i], address)) {
            return true;
        }
    }
    return false;
}

bool peer_is_trusted(const struct peer_trust *trust, const struct peer_origin *origin)
{
    return origin->is_unix ? trust->unix_sockets : has_address(trust, &origin->address);
}

/*
 * Walk to the first hop that is no proxy of ours.  *out is the last one reached,
 * and stays when there is none; false when the walk met what it could not read.
 */
static bool walk(const struct peer_trust *trust, last_fn *last, struct bytes field,
                 struct peer_origin *out)
{
    struct network_address hop;

    for (int i = 0; i < HOPS_MAX; i++) {
        enum forwarded_step step = last(&field, &hop);
        if (step != FORWARDED_ADDRESS) {
            return step != FORWARDED_BAD;
        }
        *out = (struct peer_origin){ .address = hop };
        if (!has_address(trust, &hop)) {
            return true;
        }
    }
    return false;
}

/* The name of a client; a unix socket is nobody's address. */
static void name_of(const struct peer_origin *origin, char out[NETWORK_NAME_BYTES])
{
    out[0] = '\0';
    if (!origin->is_unix) {
        network_name(&origin->address, out);
    }
}

/* *out_is_client: some address behind the proxies was named, and can be read. */
static enum peer_result find_behind(const struct peer_trust *trust,
                                    const struct peer_origin *origin, struct bytes forwarded,
                                    struct bytes x_forwarded_for, char out[NETWORK_NAME_BYTES],
                                    bool *out_is_client)
{
    struct peer_origin first = *origin;
    struct peer_origin second = *origin;
    bool read = walk(trust, forwarded_last, forwarded, &first);
    bool read_x = walk(trust, forwarded_last_x, x_forwarded_for, &second);
    bool both = forwarded.size > 0 && x_forwarded_for.size > 0;
    char other[NETWORK_NAME_BYTES];

    const struct peer_origin *named = forwarded.size > 0 ? &first : &second;

    name_of(named, out);
    name_of(&second, other);
    if (both && strcmp(out, other) != 0) {
        name_of(origin, out);
        return PEER_MALFORMED;
    }
    *out_is_client = read && read_x && !peer_is_trusted(trust, named);
    return read && read_x ? PEER_FORWARDED : PEER_MALFORMED;
}

static enum peer_result find(const struct peer_trust *trust, const struct peer_origin *origin,
                             struct bytes forwarded, struct bytes x_forwarded_for,
                             char out[NETWORK_NAME_BYTES], bool *out_is_client)
{
    bool speaks = forwarded.size > 0 || x_forwarded_for.size > 0;

    name_of(origin, out);
    if (!speaks || origin->word == PEER_UNNAMED) {
        return PEER_ITSELF;
    }
    if (peer_is_trusted(trust, origin)) {
        return find_behind(trust, origin, forwarded, x_forwarded_for, out, out_is_client);
    }
    if (origin->word == PEER_NAMED || (!origin->is_unix && !network_is_local(&origin->address))) {
        return PEER_ITSELF;
    }
    out[0] = '\0';
    return PEER_UNTRUSTED;
}

enum peer_result peer_find(const struct peer_trust *trust, const struct peer_origin *origin,
                           struct bytes forwarded, struct bytes x_forwarded_for,
                           char out[NETWORK_NAME_BYTES])
{
    bool is_client = false;

    return find(trust, origin, forwarded, x_forwarded_for, out, &is_client);
}

static void warn_untrusted(struct net *net)
{
    if (!net->proxy_warned) {
        net->proxy_warned = true;
        log_warn("net.proxy_untrusted",
                 "reason=\"a proxy on this machine or network names its clients, and "
                 "trusted_proxies does not name it\" effect=\"limits by client address are off "
                 "for it\"");
    }
}

static void count_result(struct conn *conn, enum peer_result result)
{
    switch (result) {
    case PEER_ITSELF:
        return;
    case PEER_FORWARDED:
        metrics_add(METRIC_peers_forwarded, 1);
        return;
    case PEER_MALFORMED:
        metrics_add(METRIC_peers_malformed, 1);
        return;
    case PEER_UNTRUSTED:
        metrics_add(METRIC_peers_untrusted, 1);
        warn_untrusted(conn->net);
        crowd_spare(conn->net->crowd, &conn->origin);
        return;
    }
}

bool peer_of_request(struct conn *conn, struct bytes forwarded, struct bytes x_forwarded_for,
                     char out[NETWORK_NAME_BYTES], struct crowd_member **out_member)
{
    bool is_client = false;

    *out_member = NULL;
    count_result(
        conn, find(conn->net->trust, &conn->origin, forwarded, x_forwarded_for, out, &is_client));
    if (!is_client || !conn->counted || crowd_enter_name(conn->net->crowd, out, out_member)) {
        return true;
    }
    metrics_add(METRIC_connections_refused_address, 1);
    return false;
}

void peer_leave(struct conn *conn, struct crowd_member *member)
{
    crowd_leave(conn->net->crowd, member);
}

void peer_keep(struct conn *conn, struct crowd_member *member)
{
    if (conn->member == NULL) {
        conn->member = member;
    } else {
        crowd_leave(conn->net->crowd, member);
    }
}
