/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a response onto a connection: head, security fields, body.  Loop thread. */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"

struct conn;
struct http_server;

enum {
    RESPONSE_ID_BYTES = 17
};

struct response {
    int status;
    const char *content_type; /* NULL: no body, and no Content-Length for 204 and 304 */
    struct bytes body;
    struct bytes fields; /* whole field lines to add */
    struct bytes origin; /* the request's Origin; size 0: none */
    const char *request_id;
    bool head_only;
    bool close;
    bool keep_alive_10; /* tell an HTTP/1.0 client that the connection stays */
    bool has_cache_control;
};

/* Make a random id, NUL-terminated hex. */
void response_make_id(char out[RESPONSE_ID_BYTES]);

/* Write the response. */
void response_write(struct http_server *server, struct conn *conn, const struct response *response);
