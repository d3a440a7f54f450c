/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every handler gets beside its exchange, and who is calling.  A handler
 * turns text into values on the way in and an outcome into a status on the way
 * out, nothing else.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/http/route.h"

struct allowance;
struct domain;
struct exchange;
struct loop;

struct api {
    struct domain *domain;
    struct loop *loop;
    int64_t (*now_ms)(void);  /* Unix time; tests put their own clock here */
    const char *name;         /* the relay's name; borrowed, changes on reload */
    int64_t started_ms;       /* Unix time */
    struct allowance *output; /* what answers are gathered from; borrowed, NULL: any */
    bool draining;
};

enum api_auth {
    API_AUTH_NONE = 0,
    API_AUTH_SESSION,
    API_AUTH_EITHER, /* a session where a token is sent; else the handler knows who it is */
    API_AUTH_LINK    /* the token of a link, which the handler reads; else a session */
};

/* The calling device, as its session says; on every exchange of an API_AUTH_SESSION route. */
struct api_caller {
    uint8_t token_hash[32];
    struct account_id account_id;
    struct device_pub device_pub;
    int64_t account; /* short integers of the rows */
    int64_t mailbox;
    uint32_t device_id;
    uint64_t added_epoch;
    int64_t expires_at; /* Unix seconds */
};

/* The routes for clients; .before checks the session and calls the handler. */
extern const struct http_route api_routes[];
extern const size_t api_route_count;
http_handler_fn api_before;

/* The caller of an exchange that passed api_before; where its route says EITHER or LINK, NULL: none. */
const struct api_caller *api_caller(const struct exchange *exchange);
const struct api_caller *api_caller_or_none(const struct exchange *exchange);
