/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP spoken with one peer: reads one request after the other, each only when
 * the one before is answered, and hands out exchanges.  Loop thread.
 */
#pragma once

#include <stdbool.h>

struct conn;
struct http_server;
struct talk;

/* Begin to speak on a new connection; ends with it. */
void talk_begin(struct http_server *server, struct conn *conn);

/* Answer that TLS is due here, whatever the request is, and end. */
void talk_refuse_plain(struct http_server *server, struct conn *conn);

struct conn *talk_conn(const struct talk *talk);

/* The exchange was replied to and is gone: read the next request, or finish. */
void talk_answered(struct talk *talk, bool close);

/* The connection leaves HTTP; the talk is gone.  The caller sets its protocol. */
struct conn *talk_release(struct talk *talk);
