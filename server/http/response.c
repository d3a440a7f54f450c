/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/response.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/random.h"
#include "server/http/cors.h"
#include "server/http/server.h"
#include "server/http/server_private.h"
#include "server/net/conn.h"

struct reason {
    int status;
    const char *text;
};

static const struct reason reasons[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

/* The phrase is for people only: a status without one is as good. */
static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "";
}

void response_make_id(char out[RESPONSE_ID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[(RESPONSE_ID_BYTES - 1) / 2];

    random_fill(raw, sizeof raw);
    for (size_t i = 0; i < sizeof raw; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[RESPONSE_ID_BYTES - 1] = '\0';
}

/* The Date value of now; made once a second. */
static const char *date_text(struct http_server *server)
{
    time_t now = (time_t)(clock_now_ms() / 1000);
    struct tm parts;

    if (server->date_s != now) {
        server->date_s = now;
        (void)gmtime_r(&now, &parts);
        (void)strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    }
    return server->date;
}

static void append_field(struct buf *out, const char *name, const char *value)
{
    buf_append_text(out, name);
    buf_append_text(out, value);
    buf_append_text(out, "\r\n");
}

static void append_body_fields(struct buf *out, const struct response *response)
{
    char length[24];

    if (response->content_type != NULL) {
        append_field(out, "Content-Type: ", response->content_type);
    } else if (response->status == 204 || response->status == 304) {
        return;
    }
    (void)snprintf(length, sizeof length, "%zu", response->body.size);
    append_field(out, "Content-Length: ", length);
}

/* Only what came over TLS may say that all must (RFC 6797 section 7.2). */
static void append_hsts(struct buf *out, int64_t max_age_s)
{
    char value[40];

    (void)snprintf(value, sizeof value, "max-age=%" PRId64, max_age_s);
    append_field(out, "Strict-Transport-Security: ", value);
}

static void append_head(struct http_server *server, const struct conn *conn,
                        const struct response *response)
{
    struct buf *out = &server->out;
    char line[24];

    (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", response->status);
    append_field(out, line, reason_of(response->status));
    append_field(out, "Date: ", date_text(server));
    if (server->server_name != NULL) {
        append_field(out, "Server: ", server->server_name);
    }
    append_field(out, "Sealpost-Request-Id: ", response->request_id);
    append_field(out, "X-Content-Type-Options: ", "nosniff");
    if (server->config.hsts_max_age_s > 0 && conn_is_tls(conn)) {
        append_hsts(out, server->config.hsts_max_age_s);
    }
    if (!response->has_cache_control) {
        append_field(out, "Cache-Control: ", "no-store");
    }
    append_body_fields(out, response);
    buf_append(out, response->fields);
    cors_append(out, server->cors_origins, response->origin);
    if (response->close) {
        append_field(out, "Connection: ", "close");
    } else if (response->keep_alive_10) {
        append_field(out, "Connection: ", "keep-alive");
    }
    buf_append_text(out, "\r\n");
}

void response_write(struct http_server *server, struct conn *conn, const struct response *response)
{
    buf_empty(&server->out);
    append_head(server, conn, response);
    conn_write(conn, buf_view(&server->out));
    if (!response->head_only && response->content_type != NULL) {
        conn_write(conn, response->body);
    }
}
