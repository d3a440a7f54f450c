/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/server.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/http/exchange_private.h"
#include "server/http/server_private.h"
#include "server/http/talk.h"

struct http_server *http_server_create(struct loop *loop, const struct http_config *config)
{
    struct http_server *server = mem_zeroed(1, sizeof *server);

    server->loop = loop;
    server->config = *config;
    server->base_path = mem_text(config->base_path);
    server->cors_origins = mem_text(config->cors_origins);
    server->server_name = config->server_name == NULL ? NULL : mem_text(config->server_name);
    LIST_INIT(&server->exchanges);
    return server;
}

void http_server_destroy(struct http_server *server)
{
    struct exchange *exchange;

    if (server == NULL) {
        return;
    }
    while ((exchange = LIST_FIRST(&server->exchanges)) != NULL) {
        LIST_REMOVE(exchange, link);
        exchange->server = NULL; /* its reply frees it */
    }
    buf_clear(&server->out);
    free(server->base_path);
    free(server->cors_origins);
    free(server->server_name);
    free(server);
}

void http_server_accept(void *server, struct conn *conn)
{
    talk_begin(server, conn);
}

void http_server_refuse_plain(void *server, struct conn *conn)
{
    talk_refuse_plain(server, conn);
}

void http_server_drain(struct http_server *server)
{
    server->draining = true;
}

size_t http_server_waiting(const struct http_server *server)
{
    return server->waiting;
}
