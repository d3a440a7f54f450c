/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/mailbox and POST /v1/mailbox/ack: the same mailbox as the stream's, for
 * push handlers.  A listing is gathered in pieces, so that no read is large.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/api/api.h"
#include "server/api/mail_api.h"
#include "server/api/mail_json.h"
#include "server/api/problem.h"
#include "server/api/query.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/mail.h"
#include "server/domain/mailboxes.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

struct listing {
    struct api *api;
    struct exchange *exchange;
    struct mailbox *mailbox; /* pinned once it is loaded */
    int64_t after;
    int64_t items_left;
    int64_t bytes_left;
    size_t count;
    struct buf body;
};

struct acking {
    struct api *api;
    struct exchange *exchange;
    struct mailbox *mailbox;
    int64_t up_to; /* or -1 */
    size_t count;
    int64_t seqs[LIMIT_ACK_SEQS];
};

static void listing_end(struct listing *listing)
{
    if (listing->mailbox != NULL) {
        mailboxes_unpin(listing->mailbox);
    }
    allowance_count(listing->api->output, listing->body.room, 0);
    buf_clear(&listing->body);
    free(listing);
}

static void listing_reply(struct listing *listing, bool more)
{
    buf_append_format(&listing->body, "],\"more\":%s}", more ? "true" : "false");
    exchange_reply(listing->exchange, 200, "application/json", buf_view(&listing->body));
    listing_end(listing);
}

static void listing_read(struct listing *listing);

static void on_read(void *arg, const struct mail *mail)
{
    struct listing *listing = arg;
    size_t room = listing->body.room;

    if (!mail->ok) {
        problem_of_store(listing->exchange, false);
        listing_end(listing);
        return;
    }
    for (size_t i = 0; i < mail->count; i++) {
        buf_append_text(&listing->body, listing->count == 0 ? "" : ",");
        mail_json_item(&listing->body, &mail->items[i]);
        mail_sent(listing->mailbox, mail->items[i].seq);
        listing->count++;
        listing->items_left--;
        listing->bytes_left -= (int64_t)mail->items[i].body.size;
    }
    listing->after = mail->last_seq > listing->after ? mail->last_seq : listing->after;
    allowance_count(listing->api->output, room, listing->body.room);
    if (mail->more && !mail->full && listing->items_left > 0 &&
        !allowance_is_spent(listing->api->output, 1)) {
        listing_read(listing);
    } else {
        listing_reply(listing, mail->more);
    }
}

static void listing_read(struct listing *listing)
{
    const struct mail_page page = {
        .after = listing->after,
        .item_max = (size_t)listing->items_left,
        .byte_max = listing->bytes_left,
        .now_ms = listing->api->now_ms(),
        .goes_on = listing->count > 0,
    };

    mail_read(listing->api->domain, listing->mailbox, &page, on_read, listing);
}

static void on_listing_loaded(void *arg, bool ok)
{
    struct listing *listing = arg;
    const struct api_caller *caller = api_caller(listing->exchange);
    struct mailbox *mailbox =
        mailboxes_cached(listing->api->domain->mailboxes, &caller->device_pub);

    if (!ok) {
        problem_of_store(listing->exchange, false);
        listing_end(listing);
        return;
    }
    if (mailbox == NULL) { /* the device left while we looked */
        exchange_reply_problem(listing->exchange, PROBLEM_session_invalid, 0, "");
        listing_end(listing);
        return;
    }
    mailboxes_pin(mailbox);
    listing->mailbox = mailbox;
    listing_read(listing);
}

void mailbox_api_list(void *arg, struct exchange *exchange)
{
    static const char *const names[] = { "after", "limit", "max_bytes", NULL };
    struct api *api = arg;
    struct listing *listing = NULL;
    int64_t after = 0;
    int64_t limit = LIMIT_PULL_ITEMS_DEFAULT;
    int64_t max_bytes = LIMIT_PULL_BYTES;

    if (!query_knows_only(exchange, names) || !query_int(exchange, "after", 0, INT64_MAX, &after) ||
        !query_int(exchange, "limit", 1, LIMIT_PULL_ITEMS, &limit) ||
        !query_int(exchange, "max_bytes", 1, INT64_MAX, &max_bytes)) {
        return;
    }
    listing = mem_zeroed(1, sizeof *listing);
    listing->api = api;
    listing->exchange = exchange;
    listing->after = after;
    listing->items_left = limit;
    listing->bytes_left = max_bytes < LIMIT_PULL_BYTES ? max_bytes : LIMIT_PULL_BYTES;
    buf_append_text(&listing->body, "{\"envelopes\":[");
    allowance_count(listing->api->output, 0, listing->body.room);
    mailboxes_load(api->domain, &api_caller(exchange)->device_pub, 1, on_listing_loaded, listing);
}

static void on_acked(void *arg, enum mail_ack_result result, int64_t acknowledged)
{
    struct acking *acking = arg;
    struct buf body = { 0 };

    if (result == MAIL_ACKED) {
        hub_acknowledge(acking->api->domain->hub, &acking->mailbox->pub, acking->seqs,
                        acking->count, acking->up_to);
        buf_append_format(&body, "{\"acknowledged\":%lld}", (long long)acknowledged);
        exchange_reply(acking->exchange, 200, "application/json", buf_view(&body));
    } else {
        problem_of_store(acking->exchange, false);
    }
    buf_clear(&body);
    mailboxes_unpin(acking->mailbox);
    free(acking);
}

static void on_acking_loaded(void *arg, bool ok)
{
    struct acking *acking = arg;
    struct domain *domain = acking->api->domain;
    struct mailbox *mailbox =
        mailboxes_cached(domain->mailboxes, &api_caller(acking->exchange)->device_pub);

    if (!ok || mailbox == NULL) {
        if (ok) {
            exchange_reply_problem(acking->exchange, PROBLEM_session_invalid, 0, "");
        } else {
            problem_of_store(acking->exchange, false);
        }
        free(acking);
        return;
    }
    mailboxes_pin(mailbox);
    acking->mailbox = mailbox;
    if (acking->up_to >= 0) {
        mail_ack_upto(domain, mailbox, acking->up_to, acking->api->now_ms(), on_acked, acking);
    } else {
        mail_ack(domain, mailbox, acking->seqs, acking->count, on_acked, acking);
    }
}

static void read_seqs(struct json_reader *reader, struct acking *acking)
{
    json_t *list = NULL;

    json_need_array(reader, "seqs", &list);
    acking->count = json_array_size(list);
    if (reader->kind == JSON_FINE && (acking->count < 1 || acking->count > LIMIT_ACK_SEQS)) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "seqs");
    }
    for (size_t i = 0; i < acking->count && reader->kind == JSON_FINE; i++) {
        json_t *seq = json_array_get(list, i);
        if (!json_is_integer(seq)) {
            json_reader_fail(reader, JSON_MALFORMED, "seqs");
        } else if (json_integer_value(seq) < 0) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "seqs");
        }
        acking->seqs[i] = json_integer_value(seq);
    }
}

void mailbox_api_ack(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct acking *acking = mem_zeroed(1, sizeof *acking);

    acking->api = api;
    acking->exchange = exchange;
    acking->up_to = -1;
    if (json_reader_begin(&reader, exchange_body(exchange)) &&
        !json_may_int(&reader, "up_to", 0, INT64_MAX, &acking->up_to)) {
        read_seqs(&reader, acking);
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        free(acking);
        return;
    }
    mailboxes_load(api->domain, &api_caller(exchange)->device_pub, 1, on_acking_loaded, acking);
}
