/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/stream.  The token comes as a header, or from browsers as a second
 * subprotocol; a bad one in the header is 401, a bad subprotocol is answered by
 * an upgrade that closes with 4401, since browsers cannot see a status.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/api/api.h"
#include "server/api/auth.h"
#include "server/api/keys_json.h"
#include "server/api/mail_api.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/stream.h"
#include "server/domain/claims.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/keys.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sessions.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"
#include "server/ws/channel.h"

enum {
    TRIES_MAX = 4
};

struct opening {
    struct api *api;
    struct exchange *exchange;
    bool by_subprotocol;
    int tries;
    struct bytes token; /* borrowed from exchange */
    struct api_caller caller;
    struct mailbox *mailbox; /* pinned once it is loaded */
    uint64_t epoch;          /* of the account's head */
    struct buf keys;         /* what hello says of its keys */
};

static void opening_end(struct opening *opening)
{
    if (opening->mailbox != NULL) {
        mailboxes_unpin(opening->mailbox);
    }
    buf_clear(&opening->keys);
    free(opening);
}

static void opening_refuse(struct opening *opening)
{
    if (opening->by_subprotocol) {
        stream_refuse(opening->api, opening->exchange, WS_CLOSE_SESSION_OVER);
    } else {
        exchange_reply_problem(opening->exchange, PROBLEM_session_invalid, 0, "");
    }
    opening_end(opening);
}

static void opening_fail(struct opening *opening)
{
    problem_of_store(opening->exchange, false);
    opening_end(opening);
}

/* Say whether the session is known to live: whoever ends one from now on finds its stream. */
static bool session_lives(const struct opening *opening)
{
    struct session_hash hash;

    memcpy(hash.raw, opening->caller.token_hash, sizeof hash.raw);
    return sessions_cached(opening->api->domain, &hash, opening->api->now_ms()) != NULL;
}

static void opening_authenticate(struct opening *opening);

static void on_claimed(void *arg, enum claims_result result, struct claim *claim)
{
    struct opening *opening = arg;
    const struct stream_start start = { .caller = opening->caller,
                                        .mailbox = opening->mailbox,
                                        .claim = claim,
                                        .epoch = opening->epoch,
                                        .keys = buf_view(&opening->keys) };

    switch (result) {
    case CLAIMS_TAKEN:
        break;
    case CLAIMS_GONE:
        opening_refuse(opening);
        return;
    case CLAIMS_UNAVAILABLE:
        opening_fail(opening);
        return;
    }
    if (session_lives(opening)) {
        stream_open(opening->api, opening->exchange, &start);
        opening_end(opening);
    } else { /* it ended while the place was taken */
        claims_release(opening->api->domain, claim);
        opening_authenticate(opening);
    }
}

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct opening *opening = arg;

    if (!ok || opening->api->draining) { /* the others have been told that the relay stops */
        opening_fail(opening);
        return;
    }
    if (head == NULL || opening->mailbox->gone) { /* it left while we looked */
        opening_refuse(opening);
        return;
    }
    if (!session_lives(opening)) { /* it ended while we looked, or gave way in memory */
        opening_authenticate(opening);
        return;
    }
    opening->epoch = head->epoch;
    claims_take(opening->api->domain, opening->mailbox, opening->caller.token_hash, on_claimed,
                opening);
}

static void on_keys(void *arg, const struct keys_stock *stock)
{
    struct opening *opening = arg;

    if (stock == NULL) {
        opening_fail(opening);
        return;
    }
    buf_empty(&opening->keys);
    json_append_steal(&opening->keys, keys_json_stock(stock));
    directory_load(opening->api->domain, &opening->caller.account_id, on_head, opening);
}

static void on_mailbox(void *arg, bool ok)
{
    struct opening *opening = arg;
    struct domain *domain = opening->api->domain;
    struct mailbox *mailbox = mailboxes_cached(domain->mailboxes, &opening->caller.device_pub);

    if (!ok) {
        opening_fail(opening);
        return;
    }
    if (mailbox == NULL) {
        opening_refuse(opening);
        return;
    }
    mailboxes_pin(mailbox);
    opening->mailbox = mailbox;
    keys_count(domain, mailbox->number, opening->api->now_ms(), on_keys, opening);
}

static void on_authenticated(void *arg, const struct api_caller *caller, bool unavailable)
{
    struct opening *opening = arg;

    if (unavailable) {
        opening_fail(opening);
        return;
    }
    if (caller == NULL) {
        rates_count_failure(opening->api, opening->exchange);
        opening_refuse(opening);
        return;
    }
    if (opening->tries == 1 && !rates_admit_caller(opening->api, opening->exchange, caller)) {
        opening_end(opening);
        return;
    }
    opening->caller = *caller;
    mailboxes_load(opening->api->domain, &opening->caller.device_pub, 1, on_mailbox, opening);
}

/* Begin, or begin again, with what must be known before a stream opens. */
static void opening_authenticate(struct opening *opening)
{
    if (opening->mailbox != NULL) {
        mailboxes_unpin(opening->mailbox);
        opening->mailbox = NULL;
    }
    opening->tries++;
    if (opening->tries > TRIES_MAX) {
        opening_fail(opening);
        return;
    }
    api_authenticate(opening->api, opening->token, on_authenticated, opening);
}

/* RFC 9110 section 7.8: whoever sends Upgrade names it in Connection. */
static void reply_upgrade_required(struct exchange *exchange)
{
    exchange_add_header(exchange, "Connection", "Upgrade");
    exchange_add_header(exchange, "Upgrade", "websocket");
    exchange_reply_problem(exchange, PROBLEM_upgrade_required, 0, "");
}

/* False when the handshake was refused, and answered. */
static bool handshake_passes(struct exchange *exchange)
{
    switch (ws_handshake_check(exchange)) {
    case WS_HANDSHAKE_OK:
        return true;
    case WS_HANDSHAKE_NOT_ASKED:
        reply_upgrade_required(exchange);
        return false;
    case WS_HANDSHAKE_BAD_VERSION:
        exchange_add_header(exchange, "Sec-WebSocket-Version", "13");
        reply_upgrade_required(exchange);
        return false;
    case WS_HANDSHAKE_MALFORMED:
        exchange_reply_problem(exchange, PROBLEM_bad_request, 0, "");
        return false;
    }
    return false;
}

static bool looks_like_token(struct bytes text)
{
    return text.size > 4 && memcmp(text.at, "sp1_", 4) == 0;
}

/* Find our subprotocol and, beside it, a token: what looks like one, else whatever stands there. */
static bool find_protocols(const struct exchange *exchange, struct bytes *out_token)
{
    struct bytes offered;
    size_t cursor = 0;
    bool ours = false;

    while (ws_handshake_next_protocol(exchange, &cursor, &offered)) {
        if (bytes_equal(offered, bytes_text("sealpost.v1"))) {
            ours = true;
        } else if (out_token->size == 0 || !looks_like_token(*out_token)) {
            *out_token = offered;
        }
    }
    return ours;
}

void stream_api_open(void *arg, struct exchange *exchange)
{
    struct opening *opening = NULL;
    struct bytes token = api_bearer(exchange);
    struct bytes offered = bytes_of(NULL, 0);

    if (!handshake_passes(exchange)) {
        return;
    }
    if (!find_protocols(exchange, &offered)) {
        problem_of_member(exchange, JSON_MALFORMED, "Sec-WebSocket-Protocol");
        return;
    }
    if (!rates_admit_token(arg, exchange, token.size == 0 ? offered : token)) {
        return;
    }
    opening = mem_zeroed(1, sizeof *opening);
    opening->api = arg;
    opening->exchange = exchange;
    opening->by_subprotocol = token.size == 0 && offered.size > 0;
    opening->token = opening->by_subprotocol ? offered : token;
    opening_authenticate(opening);
}
