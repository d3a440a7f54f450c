/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table: a constant array that says for each call what is allowed
 * before its body is read.  http matches it; what auth and rate mean is the
 * table owner's affair.
 */
#pragma once

#include <stddef.h>

struct exchange;

typedef void http_handler_fn(void *arg, struct exchange *exchange);

struct http_route {
    const char *method; /* "GET"; HEAD is served by GET's route */
    const char *path;   /* "/v1/accounts/{account_id}" */
    size_t body_max;    /* bytes of body allowed: beyond, 413 before it is read; 0: none */
    int auth;           /* the table owner's own number */
    int rate;           /* likewise */
    http_handler_fn *handler;
};

struct http_routes {
    const struct http_route *at;
    size_t count;
    http_handler_fn *before; /* called instead of route.handler when not NULL: authentication,
                                limits; it calls the route's handler itself */
    void *arg;               /* given to every handler */
};
