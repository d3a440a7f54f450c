/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of struct http_server, for the files of this room. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "server/http/parser.h"
#include "server/http/server.h"

LIST_HEAD(exchange_list, exchange);

enum {
    HTTP_DATE_BYTES = 32
};

struct http_server {
    struct loop *loop;
    struct http_config config;
    char *base_path; /* own copies of the config's texts */
    char *cors_origins;
    char *server_name;
    struct exchange_list exchanges; /* all that are not replied to */
    size_t waiting;                 /* of these, with a whole request */
    bool draining;
    int64_t date_s; /* second that date is the text of */
    char date[HTTP_DATE_BYTES];
    struct head head; /* scratch: the head being read */
    struct buf out;   /* scratch: the response head being written */
};
