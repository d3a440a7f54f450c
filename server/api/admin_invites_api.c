/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/api/admin_api.h"
#include "server/api/api.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/domain.h"
#include "server/domain/invites.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    USES_MAX = 1000000,
    DAYS_365_S = 31536000,
    WEEK_S = 604800
};

struct inviting {
    struct exchange *exchange;
    const char *base_url;
    int64_t uses;
    int64_t expires_at;
};

static void on_created(void *arg, enum invites_result result, const char *text)
{
    struct inviting *inviting = arg;

    if (result != INVITES_OK) {
        problem_of_store(inviting->exchange, result == INVITES_STORAGE_FULL);
    } else {
        json_t *url = json_sprintf("%s/#%s", inviting->base_url, text);
        reply_json_steal(inviting->exchange, 201,
                         json_pack("{s:s, s:o, s:I, s:I}", "invite", text, "url", url, "uses",
                                   (json_int_t)inviting->uses, "expires_at",
                                   (json_int_t)inviting->expires_at));
    }
    free(inviting);
}

void admin_invites_create(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct invites_terms terms = { .uses = 1, .note = bytes_of(NULL, 0) };
    int64_t life_s = WEEK_S;
    int64_t now_ms = api->now_ms();
    struct inviting *inviting = NULL;
    char note[INVITE_NOTE_BYTES];

    if (json_reader_begin(&reader, exchange_body(exchange))) {
        (void)json_may_int(&reader, "uses", 1, USES_MAX, &terms.uses);
        (void)json_may_int(&reader, "expires_in_s", 1, DAYS_365_S, &life_s);
        if (json_may_text(&reader, "note", &terms.note) && terms.note.size > sizeof note) {
            json_reader_fail(&reader, JSON_OUT_OF_RANGE, "note");
        } else if (terms.note.size > 0) {
            memcpy(note, terms.note.at, terms.note.size);
            terms.note.at = (const uint8_t *)note;
        }
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    terms.expires_at = now_ms / 1000 + life_s;
    inviting = mem_zeroed(1, sizeof *inviting);
    inviting->exchange = exchange;
    inviting->base_url = api->domain->base_url;
    inviting->uses = terms.uses;
    inviting->expires_at = terms.expires_at;
    invites_create(api->domain, &terms, now_ms, on_created, inviting);
}

static json_t *invite_json(const struct invite *invite)
{
    return json_pack(
        "{s:o, s:I, s:I, s:I, s:s%}", "id", json_base64url(bytes_of(invite->id, sizeof invite->id)),
        "uses_left", (json_int_t)invite->uses_left, "uses", (json_int_t)invite->uses_total,
        "expires_at", (json_int_t)invite->expires_at, "note",
        invite->note.size == 0 ? "" : (const char *)invite->note.at, invite->note.size);
}

static void on_listed(void *arg, enum invites_result result, const struct invite *invites,
                      size_t count)
{
    json_t *list = NULL;

    if (result != INVITES_OK) {
        problem_of_store(arg, false);
        return;
    }
    list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, invite_json(&invites[i]));
    }
    reply_json_steal(arg, 200, json_pack("{s:o}", "invites", list));
}

void admin_invites_list(void *arg, struct exchange *exchange)
{
    struct api *api = arg;

    invites_list(api->domain, on_listed, exchange);
}

static void on_revoked(void *arg, enum invites_result result)
{
    if (result == INVITES_OK) {
        exchange_reply_empty(arg, 204);
    } else if (result == INVITES_UNKNOWN) {
        exchange_reply_problem(arg, PROBLEM_not_found, 0, "");
    } else {
        problem_of_store(arg, result == INVITES_STORAGE_FULL);
    }
}

void admin_invites_revoke(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    uint8_t id[INVITE_ID_BYTES];

    if (!base64url_decode_exact(exchange_path_param(exchange, "id"), id, sizeof id)) {
        exchange_reply_problem(exchange, PROBLEM_not_found, 0, "");
        return;
    }
    invites_revoke(api->domain, id, on_revoked, exchange);
}
