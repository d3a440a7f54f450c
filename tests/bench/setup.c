/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/setup.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/manifest.h"
#include "common/random.h"
#include "common/sigbytes.h"

enum {
    ANSWER_BYTES = 65536,
    STATUS_AT = 9, /* behind "HTTP/1.1 " */
    HTTP_UNAVAILABLE = 503,
    TRIES = 60 /* of a relay that is busy with what was measured before */
};

static void give_up(const char *what, const char *answer)
{
    (void)fprintf(stderr, "bench: %s: %.300s\n", what, answer);
    exit(1); /* NOLINT(concurrency-mt-unsafe): there is one thread */
}

int setup_connect(const struct relay_address *relay, uint16_t port)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons(port) };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || inet_pton(AF_INET, relay->host, &where.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&where, sizeof where) != 0) {
        give_up("cannot connect", relay->host);
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* POST body to path; the status of the answer, which is text. */
static int try_post(const struct relay_address *relay, const char *path, const struct buf *body,
                    char answer[ANSWER_BYTES])
{
    struct buf request = { 0 };
    int fd = setup_connect(relay, relay->port);
    size_t size = 0;
    ssize_t got = 0;

    buf_append_format(&request,
                      "POST %s HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                      path, body->size);
    buf_append(&request, buf_view(body));
    if (write(fd, request.at, request.size) != (ssize_t)request.size) {
        give_up("cannot write", path);
    }
    while ((got = read(fd, answer + size, ANSWER_BYTES - 1 - size)) > 0) {
        size += (size_t)got;
    }
    (void)close(fd);
    buf_clear(&request);
    answer[size] = '\0';
    return size > STATUS_AT ? (int)strtol(answer + STATUS_AT, NULL, 10) : 0;
}

static void wait_as_told(const char *answer)
{
    const char *told = strstr(answer, "Retry-After: ");
    struct timespec pause = { .tv_sec = 1 };

    if (told != NULL) {
        pause.tv_sec = strtol(told + strlen("Retry-After: "), NULL, 10);
    }
    (void)nanosleep(&pause, NULL);
}

/* POST body to path, again while the relay is busy; return the parsed answer, whose status must be want. */
static json_t *post(const struct relay_address *relay, const char *path, const struct buf *body,
                    int want)
{
    static char answer[ANSWER_BYTES];
    int status = try_post(relay, path, body, answer);

    for (int i = 1; i < TRIES && status == HTTP_UNAVAILABLE; i++) {
        wait_as_told(answer);
        status = try_post(relay, path, body, answer);
    }
    const char *text = strstr(answer, "\r\n\r\n");
    if (text == NULL || status != want) {
        give_up(path, answer);
    }
    json_t *value = json_parse(bytes_text(text + 4), LIMIT_JSON_DEPTH);
    if (value == NULL) {
        give_up(path, answer);
    }
    return value;
}

static void append_member(struct buf *body, const char *name, struct bytes value)
{
    buf_append_format(body, "\"%s\":\"", name);
    base64url_encode(value, body);
    buf_append_text(body, "\"");
}

/* The manifest of a new account: every device in it signs. */
static void append_manifest(struct buf *out, struct person *people, size_t count)
{
    struct manifest manifest = { .device_count = (uint8_t)count };
    struct manifest_signature signatures[LIMIT_MANIFEST_DEVICES];
    uint8_t raw[LIMIT_MANIFEST_DEVICES][64];
    struct account_id account;

    manifest.created = (uint64_t)time(NULL) / 3600 * 3600;
    for (size_t i = 0; i < count; i++) {
        manifest.devices[i].device_id = people[i].device_id;
        manifest.devices[i].flags = MANIFEST_DEVICE_ADMIN;
        manifest.devices[i].pub = people[i].pub;
    }
    manifest_build_body(&manifest, out);
    manifest_account_of(buf_view(out), &account);
    for (size_t i = 0; i < count; i++) {
        people[i].account = account;
        manifest_sign(people[i].seed, buf_view(out), raw[i]);
        signatures[i].signer = people[i].device_id;
        signatures[i].signature = raw[i];
    }
    manifest_append_signatures(out, signatures, count);
}

void setup_account(const struct relay_address *relay, struct person *out, size_t count)
{
    struct buf manifest = { 0 };
    struct buf body = { 0 };

    for (size_t i = 0; i < count; i++) {
        out[i].device_id = (uint32_t)i + 1;
        random_fill(out[i].seed, sizeof out[i].seed);
        crypto_public_of(out[i].seed, out[i].pub.raw);
    }
    append_manifest(&manifest, out, count);
    buf_append_text(&body, "{");
    append_member(&body, "manifest", buf_view(&manifest));
    buf_append_text(&body, "}");
    json_decref(post(relay, "/v1/accounts", &body, 201));
    buf_clear(&body);
    buf_clear(&manifest);
}

void setup_session(const struct relay_address *relay, struct person *person)
{
    struct buf body = { 0 };
    struct buf text = { 0 };
    uint8_t challenge[CHALLENGE_BYTES];
    uint8_t signature[64];
    json_t *answer = NULL;

    buf_append_text(&body, "{}");
    answer = post(relay, "/v1/auth/challenge", &body, 200);
    if (!base64url_decode_exact(bytes_text(json_string_value(json_object_get(answer, "challenge"))),
                                challenge, sizeof challenge)) {
        give_up("challenge", "not base64url");
    }
    json_decref(answer);
    sigbytes_auth(&text, bytes_text(relay->base_url), &person->account, person->device_id,
                  challenge);
    crypto_make_signature(person->seed, buf_view(&text), signature);
    buf_empty(&body);
    buf_append_format(&body, "{\"device_id\":%u,", person->device_id);
    append_member(&body, "account_id", bytes_of(person->account.raw, sizeof person->account.raw));
    buf_append_text(&body, ",");
    append_member(&body, "challenge", bytes_of(challenge, sizeof challenge));
    buf_append_text(&body, ",");
    append_member(&body, "signature", bytes_of(signature, sizeof signature));
    buf_append_text(&body, "}");
    answer = post(relay, "/v1/auth/session", &body, 201);
    (void)snprintf(person->token, sizeof person->token, "%s",
                   json_string_value(json_object_get(answer, "token")));
    json_decref(answer);
    buf_clear(&body);
    buf_clear(&text);
}

void setup_person(const struct relay_address *relay, struct person *out)
{
    setup_account(relay, out, 1);
    setup_session(relay, out);
}
