/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/auth.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "server/api/api.h"
#include "server/domain/sessions.h"
#include "server/http/exchange.h"

struct waiting {
    api_authenticated_fn *done;
    void *arg;
};

static_assert(sizeof((struct api_caller *)NULL)->token_hash == sizeof(struct session_hash),
              "both are the SHA-256 of the token");

static void tell(api_authenticated_fn *done, void *arg, const struct session *session)
{
    struct api_caller caller = {
        .account_id = session->account_id,
        .device_pub = session->device_pub,
        .account = session->account,
        .mailbox = session->mailbox,
        .device_id = session->device_id,
        .added_epoch = session->added_epoch,
        .expires_at = session->expires_at,
    };

    memcpy(caller.token_hash, session->token_hash.raw, sizeof caller.token_hash);
    done(arg, &caller, false);
}

static void on_loaded(void *arg, bool ok, const struct session *session)
{
    struct waiting *waiting = arg;

    if (session != NULL) {
        tell(waiting->done, waiting->arg, session);
    } else {
        waiting->done(waiting->arg, NULL, !ok);
    }
    free(waiting);
}

void api_authenticate(struct api *api, struct bytes token_text, api_authenticated_fn *done,
                      void *arg)
{
    struct waiting *waiting = NULL;
    const struct session *session = NULL;
    struct session_hash hash;

    if (!sessions_parse(token_text, &hash)) {
        done(arg, NULL, false);
        return;
    }
    session = sessions_cached(api->domain, &hash, api->now_ms());
    if (session != NULL) {
        tell(done, arg, session);
        return;
    }
    waiting = mem_zeroed(1, sizeof *waiting);
    waiting->done = done;
    waiting->arg = arg;
    sessions_load(api->domain, &hash, api->now_ms(), on_loaded, waiting);
}

struct bytes api_bearer(const struct exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const size_t scheme_size = sizeof scheme - 1;
    struct bytes value = exchange_header(exchange, "authorization");

    if (value.size < scheme_size || strncasecmp((const char *)value.at, scheme, scheme_size) != 0) {
        return bytes_of(NULL, 0);
    }
    return bytes_of(value.at + scheme_size, value.size - scheme_size);
}
