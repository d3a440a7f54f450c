/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP calls with JSON to one relay, one at a time, blocking.  libcurl does TLS,
 * proxies (from the usual environment variables) and certificates.
 */
#pragma once

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>

#include "server/ctl/exit_code.h"

struct http_client;

struct http_call {
    const char *method;  /* "GET" */
    const char *path;    /* behind the base URL: "/v1/server" */
    json_t *body;        /* stolen; NULL for none */
    const char *raw;     /* a body that is JSON text already, instead of body; borrowed */
    const char *token;   /* bearer token, or NULL */
    const char *command; /* value of Sealpost-Command, or NULL */
};

struct http_reply {
    int status;
    json_t *json; /* NULL when there was no JSON in it; never NULL after http_client_ask */
};

/*
 * Make a client for base_url.  unix_socket: connect to it instead of the URL's host; ca: file
 * of certificates to trust instead of the system's.  Both may be NULL; all are copied.
 */
struct http_client *http_client_create(const char *base_url, const char *unix_socket,
                                       const char *ca);
void http_client_destroy(struct http_client *client);

/* Call and fill *out; false, with the reason said, when there was no answer. */
bool http_client_call(struct http_client *client, const struct http_call *call,
                      struct http_reply *out);

/*
 * Call and want success (2xx): the reply's JSON, an empty object when there was none, is
 * given to *out_json, to be decref'd.  Otherwise the problem is said and the exit code
 * that goes with it returned.
 */
enum exit_code http_client_ask(struct http_client *client, const struct http_call *call,
                               json_t **out_json);

/* Connect to the relay for a stream: a handle with an open connection, the caller's to clean
 * up, or NULL with the reason said. */
CURL *http_client_connect(struct http_client *client);

/* The URL it was made with.  Borrowed. */
const char *http_client_base_url(const struct http_client *client);

void http_reply_clear(struct http_reply *reply);

/* Say whether it is a success (2xx). */
bool http_reply_is_success(const struct http_reply *reply);

/* The problem code of a reply ("invite_invalid"), "" when it is none.  Borrowed from reply. */
const char *http_reply_problem(const struct http_reply *reply);

/* Say what a reply that is no success means and what to do; returns the exit code. */
enum exit_code http_reply_say(const struct http_reply *reply);
