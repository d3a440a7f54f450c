/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 on a connection: parse strictly, match the route table, hand over
 * exchanges one at a time, keep the connection for the next request.
 * Loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct conn;
struct http_server;
struct loop;

struct http_config {
    const struct http_routes *routes; /* borrowed for the server's life */
    const char *base_path;            /* path prefix of the base URL, "" or "/relay" */
    const char *cors_origins;         /* comma-separated, "*" or "" for none */
    int64_t head_timeout_ms;          /* a whole head must be there this long after its first
                                         byte (after the accept for the first request) */
    int64_t body_timeout_ms;          /* a whole body this long after its head */
    int64_t idle_timeout_ms;          /* between requests */
    struct allowance *requests;       /* heads and bodies take from it; when it is spent, or spent
                                         twice for those of up to 64 KiB, who sends more is told
                                         to come again.  Borrowed until the last exchange is
                                         replied to; NULL: any number of bytes */
    const char *server_name;          /* value of the Server header, or NULL */
    int64_t hsts_max_age_s;           /* Strict-Transport-Security on TLS; 0: none */
};

struct http_server *http_server_create(struct loop *loop, const struct http_config *config);

/* Free it.  No connection of it may be open any more; waiting exchanges may still be. */
void http_server_destroy(struct http_server *server);

/* Serve a new connection; a net_accept_fn whose arg is the server. */
void http_server_accept(void *server, struct conn *conn);

/* Tell a peer that spoke HTTP where TLS is due; a net_accept_fn whose arg is the server. */
void http_server_refuse_plain(void *server, struct conn *conn);

/* From now on every response says Connection: close. */
void http_server_drain(struct http_server *server);

/* Exchanges that are not replied to yet. */
size_t http_server_waiting(const struct http_server *server);
