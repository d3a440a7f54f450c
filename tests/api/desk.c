/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/desk.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base64url.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/loop.h"
#include "server/http/server.h"
#include "server/net/net.h"

enum {
    PATIENCE_MS = 30000,
    TURN_MS = 10,
    PIECE_BYTES = 65536
};

int64_t desk_now_ms = SCENE_NOW_MS;

static int64_t now(void)
{
    return desk_now_ms;
}

void desk_open(struct desk *desk)
{
    static const struct net_limits limits = { .max_connections = 100,
                                              .output_high_bytes = 262144,
                                              .output_low_bytes = 65536,
                                              .write_timeout_ms = PATIENCE_MS };
    struct http_config config = { .routes = &desk->routes,
                                  .base_path = "",
                                  .cors_origins = "",
                                  .head_timeout_ms = PATIENCE_MS,
                                  .body_timeout_ms = PATIENCE_MS,
                                  .idle_timeout_ms = PATIENCE_MS };
    struct listener *listener = NULL;
    char error[DESK_FIELD_BYTES];

    memset(desk, 0, sizeof *desk);
    desk_now_ms = SCENE_NOW_MS;
    temp_domain_open(&desk->temp);
    desk->api.domain = &desk->temp.domain;
    desk->api.loop = desk->temp.temp.loop;
    desk->api.now_ms = now;
    desk->api.name = "Test relay";
    desk->routes = (struct http_routes){
        .at = api_routes, .count = api_route_count, .before = api_before, .arg = &desk->api
    };
    desk->net = net_create(desk->api.loop, &limits);
    desk->http = http_server_create(desk->api.loop, &config);
    listener = net_listen(desk->net, "127.0.0.1:0", true, http_server_accept, desk->http, error,
                          sizeof error);
    CHECK(listener != NULL);
    desk->port = listener_port(listener);
}

void desk_close(struct desk *desk)
{
    net_destroy(desk->net);
    http_server_destroy(desk->http);
    temp_domain_close(&desk->temp);
}

static int dial(const struct desk *desk)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(desk->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

static void write_request(const struct request *request, struct buf *out)
{
    size_t size = request->body == NULL ? 0 : strlen(request->body);

    buf_append_format(out, "%s %s HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n",
                      request->method, request->path);
    if (request->token != NULL) {
        buf_append_format(out, "Authorization: Bearer %s\r\n", request->token);
    }
    if (request->fields != NULL) {
        buf_append_text(out, request->fields);
    }
    if (request->body != NULL) {
        buf_append_format(out, "Content-Length: %zu\r\n", size);
    }
    buf_append_text(out, "\r\n");
    if (size > 0) {
        buf_append(out, bytes_of(request->body, size));
    }
}

/* Turn the loop until the server has closed its end; the answer is whole then. */
static void exchange_bytes(struct desk *desk, int fd, struct bytes request, struct buf *out)
{
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    static char piece[PIECE_BYTES];
    bool ended = false;

    while (!ended) {
        ssize_t sent = request.size == 0 ? 0 : send(fd, request.at, request.size, MSG_DONTWAIT);
        ssize_t got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);

        if (sent > 0) {
            request = bytes_of(request.at + sent, request.size - (size_t)sent);
        }
        if (got > 0) {
            buf_append(out, bytes_of(piece, (size_t)got));
        }
        ended = got == 0;
        CHECK(clock_steady_ms() < until_ms);
        loop_turn(desk->api.loop, TURN_MS);
    }
}

static const char *body_of(const struct answer *answer)
{
    const char *end = strstr((const char *)answer->raw.at, "\r\n\r\n");

    CHECK(end != NULL);
    return end + 4;
}

void desk_call(struct desk *desk, const struct request *request, struct answer *out)
{
    struct buf bytes = { 0 };
    int fd = dial(desk);

    memset(out, 0, sizeof *out);
    write_request(request, &bytes);
    exchange_bytes(desk, fd, buf_view(&bytes), &out->raw);
    CHECK(close(fd) == 0);
    buf_append_u8(&out->raw, '\0');
    CHECK(strncmp((const char *)out->raw.at, "HTTP/1.1 ", 9) == 0);
    out->status = (int)strtol((const char *)out->raw.at + 9, NULL, 10);
    out->json = json_parse(bytes_text(body_of(out)), LIMIT_JSON_DEPTH);
    buf_clear(&bytes);
}

void answer_clear(struct answer *answer)
{
    buf_clear(&answer->raw);
    json_decref(answer->json);
    answer->json = NULL;
}

const char *answer_text(const struct answer *answer, const char *member)
{
    const char *text = json_string_value(json_object_get(answer->json, member));

    return text == NULL ? "" : text;
}

int64_t answer_int(const struct answer *answer, const char *member)
{
    const json_t *value = json_object_get(answer->json, member);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

bool answer_field(const struct answer *answer, const char *name, char *out, size_t size)
{
    const char *end = body_of(answer) - 2;
    const char *line = strstr((const char *)answer->raw.at, "\r\n") + 2;

    while (line < end) {
        const char *next = strstr(line, "\r\n") + 2;
        const char *value = line + strlen(name) + 2;

        if (strncasecmp(line, name, strlen(name)) == 0 && value[-2] == ':') {
            size_t length = (size_t)(next - 2 - value);

            CHECK(length < size);
            memcpy(out, value, length);
            out[length] = '\0';
            return true;
        }
        line = next;
    }
    return false;
}

bool answer_is(const struct answer *answer, int status, const char *code)
{
    char type[DESK_FIELD_BYTES] = "";
    char urn[DESK_FIELD_BYTES];

    (void)snprintf(urn, sizeof urn, "urn:sealpost:problem:%s", code);
    return answer->status == status && answer_field(answer, "Content-Type", type, sizeof type) &&
           strcmp(type, "application/problem+json") == 0 &&
           strcmp(answer_text(answer, "type"), urn) == 0 && answer_int(answer, "status") == status;
}

void desk_login(struct desk *desk, const struct person *person, const struct person_device *device,
                char out_token[DESK_TOKEN_BYTES])
{
    const struct request ask = { .method = "POST", .path = "/v1/auth/challenge", .body = "{}" };
    struct request begin = { .method = "POST", .path = "/v1/auth/session" };
    uint8_t challenge[CHALLENGE_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf body = { 0 };
    struct answer answer;

    desk_call(desk, &ask, &answer);
    CHECK(base64url_decode_exact(bytes_text(answer_text(&answer, "challenge")), challenge,
                                 sizeof challenge));
    answer_clear(&answer);
    person_sign_auth(person, device, desk->temp.domain.base_url, challenge, signature);
    json_append_steal(&body,
                      json_pack("{s:o, s:I, s:o, s:o}", "account_id",
                                json_base64url(bytes_of(person->account_id.raw, ACCOUNT_ID_BYTES)),
                                "device_id", (json_int_t)device->device_id, "challenge",
                                json_base64url(bytes_of(challenge, sizeof challenge)), "signature",
                                json_base64url(bytes_of(signature, sizeof signature))));
    buf_append_u8(&body, '\0');
    begin.body = (const char *)body.at;
    desk_call(desk, &begin, &answer);
    CHECK(answer.status == 201);
    (void)snprintf(out_token, DESK_TOKEN_BYTES, "%s", answer_text(&answer, "token"));
    answer_clear(&answer);
    buf_clear(&body);
}

void desk_command(const struct desk *desk, const struct person *person,
                  const struct person_device *device, const struct sigbytes_command *command,
                  char out[DESK_FIELD_BYTES])
{
    struct sigbytes_command fields = *command;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    char *text = NULL;

    fields.audience = bytes_text(desk->temp.domain.base_url);
    fields.account = &person->account_id;
    fields.device_id = device->device_id;
    person_sign_command(device, &fields, signature);
    text = base64url_text(bytes_of(signature, sizeof signature));
    (void)snprintf(out, DESK_FIELD_BYTES, "Sealpost-Command: seq=%llu, sig=%s\r\n",
                   (unsigned long long)command->seq, text);
    free(text);
}

char *desk_manifest_json(const struct person *person, const char *invite)
{
    json_t *object = json_pack("{s:o}", "manifest", json_base64url(buf_view(&person->manifest)));
    struct buf body = { 0 };

    if (invite != NULL) {
        (void)json_object_set_new(object, "invite", json_string(invite));
    }
    json_append_steal(&body, object);
    buf_append_u8(&body, '\0');
    return (char *)body.at;
}
