/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole domain on a real store in a folder of its own, for tests of its nouns,
 * and a stream of the hub that remembers what it hears.  Inline, since not every
 * room's tests link the domain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/crypto.h"
#include "server/domain/dedup.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sessions.h"
#include "tests/support/temp_store.h"
#include "tests/support/unit.h"

#define TEMP_BASE_URL "https://relay.example"

struct temp_domain {
    struct temp_store store;
    struct domain domain;
};

static inline void temp_domain_open(struct temp_domain *temp)
{
    struct domain *domain = &temp->domain;

    assert_true(crypto_start());
    memset(temp, 0, sizeof *temp);
    temp_store_open(&temp->store);
    memset(&domain->keys, 7, sizeof domain->keys);
    domain->store = temp->store.store;
    domain->mailboxes = mailboxes_create(domain->keys.tag, 100);
    domain->hub = hub_create(domain->keys.tag);
    domain->dedup = dedup_create(domain->keys.tag, 1000);
    domain->sessions = sessions_create(domain->keys.tag, 100);
    domain->directory = directory_create(domain->keys.tag, 100);
    domain->settings.registration = DOMAIN_OPEN;
    domain->settings.plaintext_guard = true;
    domain->settings.mailbox_max_envelopes = 100;
    domain->settings.mailbox_max_bytes = 1 << 20;
    domain->base_url = TEMP_BASE_URL;
    domain->generation = 1;
    domain->next_seq = 1;
}

static inline void temp_domain_close(struct temp_domain *temp)
{
    temp_store_close(&temp->store); /* it answers all that waits, so it goes first */
    directory_destroy(temp->domain.directory);
    sessions_destroy(temp->domain.sessions);
    dedup_destroy(temp->domain.dedup);
    hub_destroy(temp->domain.hub);
    mailboxes_destroy(temp->domain.mailboxes);
}

/* A stream that remembers. */
struct temp_stream {
    struct hub *hub;
    struct hub_stream *stream;
    int events;
    struct hub_event event; /* the last one */
    int ends;
    enum hub_end end;
    int events_at_end; /* heard before the end */
};

static inline void temp_stream_on_mail(void *arg, const struct hub_mail *mail)
{
    (void)arg;
    (void)mail;
}

static inline bool temp_stream_is_caught_up(void *arg)
{
    (void)arg;
    return false;
}

static inline void temp_stream_on_event(void *arg, const struct hub_event *event)
{
    struct temp_stream *stream = arg;

    stream->events++;
    stream->event = *event;
}

static inline void temp_stream_on_end(void *arg, enum hub_end reason)
{
    struct temp_stream *stream = arg;

    stream->ends++;
    stream->end = reason;
    stream->events_at_end = stream->events;
    hub_leave(stream->hub, stream->stream);
    stream->stream = NULL;
}

static inline void temp_stream_join(struct temp_stream *stream, struct hub *hub,
                                    const struct device_pub *pub, const uint8_t token_hash[32])
{
    static const struct hub_listener listener = { .on_mail = temp_stream_on_mail,
                                                  .is_caught_up = temp_stream_is_caught_up,
                                                  .on_event = temp_stream_on_event,
                                                  .on_end = temp_stream_on_end };

    memset(stream, 0, sizeof *stream);
    stream->hub = hub;
    stream->stream = hub_join(hub, pub, token_hash, &listener, stream);
}

static inline void temp_stream_leave(struct temp_stream *stream)
{
    if (stream->stream != NULL) {
        hub_leave(stream->hub, stream->stream);
        stream->stream = NULL;
    }
}
