/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams stand in a table by device key.  A newer stream of a device takes the
 * older one's place before the older one is told, so a listener that leaves on
 * being told finds itself already out.
 */
#include "server/domain/hub.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/table.h"

struct hub {
    struct table table;
};

struct hub_stream {
    struct table_node node;
    struct device_pub pub;
    uint8_t token_hash[32];
    const struct hub_listener *listener;
    void *arg;
    int64_t announced;
    uint64_t woken;
    bool out; /* no longer in the table */
};

static struct bytes pub_key(const struct device_pub *pub)
{
    return bytes_of(pub->raw, sizeof pub->raw);
}

struct hub *hub_create(const uint8_t key[16])
{
    struct hub *hub = mem_zeroed(1, sizeof *hub);

    table_init(&hub->table, key);
    return hub;
}

void hub_destroy(struct hub *hub)
{
    free(hub);
}

static struct hub_stream *hub_find(const struct hub *hub, const struct device_pub *pub)
{
    return table_find(&hub->table, pub_key(pub));
}

static void hub_take_out(struct hub *hub, struct hub_stream *stream)
{
    if (!stream->out) {
        table_remove(&hub->table, &stream->node);
        stream->out = true;
    }
}

static void hub_end(struct hub *hub, struct hub_stream *stream, enum hub_end reason)
{
    hub_take_out(hub, stream);
    stream->listener->on_end(stream->arg, reason);
}

struct hub_stream *hub_join(struct hub *hub, const struct device_pub *pub,
                            const uint8_t token_hash[32], const struct hub_listener *listener,
                            void *arg)
{
    struct hub_stream *stream = mem_zeroed(1, sizeof *stream);
    struct hub_stream *older = hub_find(hub, pub);

    if (older != NULL) {
        hub_take_out(hub, older);
    }
    stream->pub = *pub;
    memcpy(stream->token_hash, token_hash, sizeof stream->token_hash);
    stream->listener = listener;
    stream->arg = arg;
    table_add(&hub->table, &stream->node, stream, pub_key(&stream->pub));
    if (older != NULL) {
        older->listener->on_end(older->arg, HUB_END_REPLACED);
    }
    return stream;
}

void hub_leave(struct hub *hub, struct hub_stream *stream)
{
    hub_take_out(hub, stream);
    free(stream);
}

void hub_announce(struct hub *hub, const struct device_pub *pub, const struct hub_mail *mail)
{
    struct hub_stream *stream = hub_find(hub, pub);

    if (stream != NULL) {
        stream->announced = mail->seq;
        stream->listener->on_mail(stream->arg, mail);
    }
}

void hub_wake(struct hub *hub, const struct device_pub *pub)
{
    struct hub_stream *stream = hub_find(hub, pub);

    if (stream != NULL) {
        stream->woken++;
        stream->listener->on_mail(stream->arg, &(struct hub_mail){ .is_gap = true });
    }
}

uint64_t hub_woken(const struct hub_stream *stream)
{
    return stream->woken;
}

int64_t hub_announced(const struct hub_stream *stream)
{
    return stream->announced;
}

bool hub_pass(struct hub *hub, const struct device_pub *pub, const struct hub_mail *mail)
{
    struct hub_stream *stream = hub_find(hub, pub);

    if (stream == NULL || !stream->listener->is_caught_up(stream->arg)) {
        return false;
    }
    stream->listener->on_mail(stream->arg, mail);
    return true;
}

void hub_tell(struct hub *hub, const struct device_pub *pub, const struct hub_event *event)
{
    struct hub_stream *stream = hub_find(hub, pub);

    if (stream != NULL) {
        stream->listener->on_event(stream->arg, event);
    }
}

void hub_acknowledge(struct hub *hub, const struct device_pub *pub, const int64_t *seqs,
                     size_t count, int64_t up_to)
{
    struct hub_stream *stream = hub_find(hub, pub);

    if (stream != NULL) {
        stream->listener->on_acknowledged(stream->arg, seqs, count, up_to);
    }
}

void hub_tell_waiting(struct hub *hub, const struct device_pub *pub,
                      const struct hub_waiting *waiting)
{
    struct hub_stream *stream = hub_find(hub, pub);

    if (stream != NULL) {
        stream->listener->on_waiting(stream->arg, waiting);
    }
}

void hub_end_device(struct hub *hub, const struct device_pub *pub, enum hub_end reason)
{
    struct hub_stream *stream = hub_find(hub, pub);

    if (stream != NULL) {
        hub_end(hub, stream, reason);
    }
}

/* Sessions end seldom: a walk over the streams is cheaper than a second table. */
void hub_end_session(struct hub *hub, const uint8_t token_hash[32])
{
    struct hub_stream *stream = table_oldest(&hub->table);

    while (stream != NULL && memcmp(stream->token_hash, token_hash, 32) != 0) {
        stream = table_after(&stream->node);
    }
    if (stream != NULL) {
        hub_end(hub, stream, HUB_END_SESSION);
    }
}

bool hub_has_stream(const struct hub *hub, const struct device_pub *pub)
{
    return hub_find(hub, pub) != NULL;
}

size_t hub_count(const struct hub *hub)
{
    return table_size(&hub->table);
}

void hub_each(struct hub *hub, void (*fn)(void *arg, void *listener_arg), void *arg)
{
    struct hub_stream *stream = table_oldest(&hub->table);

    while (stream != NULL) {
        struct hub_stream *next = table_after(&stream->node);
        fn(arg, stream->arg);
        stream = next;
    }
}
