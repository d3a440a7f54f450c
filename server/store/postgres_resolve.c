/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq takes lists: host=a,b port=1,2 hostaddr=x,y.  A host keeps its name
 * there, which certificates are compared with; a socket's folder has no address.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/postgres_params_private.h"
#include "server/store/postgres_resolve_private.h"

enum {
    RESOLVE_HOST_BYTES = 256,
    RESOLVE_ADDRESS_BYTES = 64,
    RESOLVE_ADDRESSES_MAX = 8 /* of one host */
};

struct postgres_resolve {
    struct postgres_params params;
    struct postgres_resolver *resolver; /* NULL: nobody wants to hear it */
    struct buf hosts, ports, addresses;
    bool is_good;
    atomic_bool is_forgotten; /* not begun yet, it need not be */
};

/* Part number index of a list with commas; the last one serves for those behind it. */
static struct bytes resolve_part(const char *list, size_t index)
{
    size_t size = strcspn(list, ",");

    while (index > 0 && list[size] == ',') {
        list += size + 1;
        size = strcspn(list, ",");
        index--;
    }
    return bytes_of(list, size);
}

static size_t resolve_count(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++) {
        count += *list == ',' ? 1 : 0;
    }
    return count;
}

static bool resolve_is_literal(struct bytes host)
{
    char text[RESOLVE_HOST_BYTES];
    unsigned char address[sizeof(struct in6_addr)];

    if (host.size == 0 || host.size >= sizeof text || host.at[0] == '/' || host.at[0] == '@') {
        return true;
    }
    memcpy(text, host.at, host.size);
    text[host.size] = '\0';
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

bool postgres_resolve_is_needed(const struct postgres_params *params)
{
    const char *hosts = postgres_params_get(params, "host");
    bool is_needed = false;

    if (postgres_params_get(params, "hostaddr")[0] != '\0') {
        return false;
    }
    for (size_t i = 0; i < resolve_count(hosts); i++) {
        is_needed = is_needed || !resolve_is_literal(resolve_part(hosts, i));
    }
    return is_needed;
}

static void resolve_add(struct postgres_resolve *resolve, struct bytes host, struct bytes port,
                        const char *address)
{
    if (resolve->is_good) {
        buf_append_u8(&resolve->hosts, ',');
        buf_append_u8(&resolve->ports, ',');
        buf_append_u8(&resolve->addresses, ',');
    }
    buf_append(&resolve->hosts, host);
    buf_append(&resolve->ports, port);
    buf_append_text(&resolve->addresses, address);
    resolve->is_good = true;
}

static bool resolve_text(const struct addrinfo *at, char text[RESOLVE_ADDRESS_BYTES])
{
    return getnameinfo(at->ai_addr, at->ai_addrlen, text, RESOLVE_ADDRESS_BYTES, NULL, 0,
                       NI_NUMERICHOST) == 0;
}

static void resolve_look_up(struct postgres_resolve *resolve, struct bytes host, struct bytes port)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char *name = mem_text_of(host.at, host.size);
    char text[RESOLVE_ADDRESS_BYTES];
    size_t count = 0;

    if (getaddrinfo(name, NULL, &hints, &found) != 0) {
        found = NULL;
    }
    for (const struct addrinfo *at = found; at != NULL && count < RESOLVE_ADDRESSES_MAX;
         at = at->ai_next) {
        if (resolve_text(at, text)) {
            resolve_add(resolve, host, port, text);
            count++;
        }
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    free(name);
}

/* Helper thread. */
static void resolve_work(void *arg)
{
    struct postgres_resolve *resolve = arg;
    const char *hosts = postgres_params_get(&resolve->params, "host");
    const char *ports = postgres_params_get(&resolve->params, "port");

    for (size_t i = 0; i < resolve_count(hosts) && !atomic_load(&resolve->is_forgotten); i++) {
        struct bytes host = resolve_part(hosts, i);
        struct bytes port = resolve_part(ports, i);
        if (resolve_is_literal(host)) {
            resolve_add(resolve, host, port, "");
        } else {
            resolve_look_up(resolve, host, port);
        }
    }
}

static void resolve_set(struct postgres_params *params, const char *keyword, struct buf *list)
{
    buf_append_u8(list, 0);
    postgres_params_set(params, keyword, (const char *)list->at);
}

static void resolve_tell(struct postgres_resolver *resolver, const struct postgres_params *params)
{
    resolver->running = NULL;
    while (resolver->first != NULL) {
        struct postgres_asker *asker = resolver->first;
        resolver->first = asker->next;
        asker->next = NULL;
        asker->done(asker->arg, params);
    }
}

static void on_resolved(void *arg)
{
    struct postgres_resolve *resolve = arg;

    if (resolve->resolver != NULL && resolve->is_good) {
        resolve_set(&resolve->params, "host", &resolve->hosts);
        resolve_set(&resolve->params, "port", &resolve->ports);
        resolve_set(&resolve->params, "hostaddr", &resolve->addresses);
    }
    if (resolve->resolver != NULL) {
        resolve_tell(resolve->resolver, resolve->is_good ? &resolve->params : NULL);
    }
    postgres_params_clear(&resolve->params);
    buf_clear(&resolve->hosts);
    buf_clear(&resolve->ports);
    buf_clear(&resolve->addresses);
    free(resolve);
}

static void resolver_start(struct postgres_resolver *resolver)
{
    struct postgres_resolve *resolve = mem_zeroed(1, sizeof *resolve);

    postgres_params_copy(&resolve->params, resolver->params);
    resolve->resolver = resolver;
    resolver->running = resolve;
    loop_offload(resolver->loop, resolve_work, on_resolved, resolve);
}

void postgres_resolver_ask(struct postgres_resolver *resolver, struct postgres_asker *asker)
{
    asker->next = resolver->first;
    resolver->first = asker;
    if (resolver->running == NULL) {
        resolver_start(resolver);
    }
}

void postgres_resolver_forget(struct postgres_resolver *resolver, struct postgres_asker *asker)
{
    struct postgres_asker **at = &resolver->first;

    CHECK(asker != NULL);
    while (*at != NULL && *at != asker) {
        at = &(*at)->next;
    }
    if (*at == asker) {
        *at = asker->next;
    }
    if (resolver->first == NULL && resolver->running != NULL) {
        atomic_store(&resolver->running->is_forgotten, true);
        resolver->running->resolver = NULL;
        resolver->running = NULL;
    }
}
