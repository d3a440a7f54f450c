/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole api over real sockets in the test's own process: a domain on a real
 * store, the route table, an HTTP server on a free port, and one call at a time.
 * Time is desk_now_ms, and stands still until a test moves it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/sigbytes.h"
#include "server/api/api.h"
#include "server/http/route.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/people.h"

enum {
    DESK_TOKEN_BYTES = 64,
    DESK_FIELD_BYTES = 256,
    DESK_PATH_BYTES = 256
};

struct desk {
    struct temp_domain temp;
    struct api api;
    struct http_routes routes;
    struct net *net;
    struct http_server *http;
    uint16_t port;
};

extern int64_t desk_now_ms;

void desk_open(struct desk *desk);
void desk_close(struct desk *desk);

struct request {
    const char *method;
    const char *path;
    const char *token;  /* NULL: no Authorization */
    const char *fields; /* further header lines, each with its CRLF; NULL: none */
    const char *body;   /* NULL: none */
};

struct answer {
    int status;
    struct buf raw; /* head and body, with a NUL behind */
    json_t *json;   /* the body, or NULL when it is none */
};

/* Make a call and wait for the whole answer; then clear the answer. */
void desk_call(struct desk *desk, const struct request *request, struct answer *out);
void answer_clear(struct answer *answer);

/* A member of the body as text; "" when it is none.  As a number; -1 when it is none. */
const char *answer_text(const struct answer *answer, const char *member);
int64_t answer_int(const struct answer *answer, const char *member);

/* The value of a header field, copied into out; false when it is absent. */
bool answer_field(const struct answer *answer, const char *name, char *out, size_t size);

/* Say whether it is that problem: status, type and content type. */
bool answer_is(const struct answer *answer, int status, const char *code);

/* Begin a session over HTTP and keep its token. */
void desk_login(struct desk *desk, const struct person *person, const struct person_device *device,
                char out_token[DESK_TOKEN_BYTES]);

/* Write the Sealpost-Command field line of a device for body. */
void desk_command(const struct desk *desk, const struct person *person,
                  const struct person_device *device, const struct sigbytes_command *command,
                  char out[DESK_FIELD_BYTES]);

/* Write {"manifest": ...} of a person's head; the caller frees it. */
char *desk_manifest_json(const struct person *person, const char *invite);
