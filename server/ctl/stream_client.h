/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's end of /v1/stream: connect, upgrade, binary messages out and in.
 * Blocking, with times; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/ctl/exit_code.h"

struct http_client;
struct stream_client;

enum stream_result {
    STREAM_MESSAGE = 0, /* a message is there */
    STREAM_QUIET,       /* none came in time */
    STREAM_CLOSED,      /* the relay closed: see stream_client_close_code */
    STREAM_BROKEN,      /* the connection broke */
};

/*
 * Open the stream of the device whose session token it is.  NULL with the reason said
 * and *out_code set when that fails.
 */
struct stream_client *stream_client_open(struct http_client *http, const char *token,
                                         enum exit_code *out_code);

/* Say good-bye when it is open, and free.  Takes NULL. */
void stream_client_destroy(struct stream_client *stream);

/* Send one binary message; false when the connection broke. */
bool stream_client_send(struct stream_client *stream, struct bytes message);

/*
 * Give the next message, waiting for it at most wait_ms.  *out is valid until the next
 * call.  Pings are answered in here, so call it at least every 40 s.
 */
enum stream_result stream_client_next(struct stream_client *stream, int64_t wait_ms,
                                      struct bytes *out);

/* The descriptor to poll for input, beside others. */
int stream_client_fd(const struct stream_client *stream);

/* The code of the relay's close frame, 1005 when it had none. */
int stream_client_close_code(const struct stream_client *stream);
