/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/ctl/say.h"

enum {
    ANSWER_MAX_BYTES = 16777216, /* a page of mail or manifests is far below */
    CONNECT_SECONDS = 15,
    CALL_SECONDS = 120,
    STATUS_SUCCESS = 200,
    STATUS_SUCCESS_END = 300,
    STATUS_INTERNAL = 500, /* it may have been done all the same */
    STATUS_OVERLOAD = 503,
};

static const char problem_prefix[] = "urn:sealpost:problem:";

struct http_client {
    CURL *curl;
    char *base_url;
    char *unix_socket;
    char *ca;
};

struct http_client *http_client_create(const char *base_url, const char *unix_socket,
                                       const char *ca)
{
    struct http_client *client = mem_zeroed(1, sizeof *client);

    client->curl = curl_easy_init();
    CHECK(client->curl != NULL); /* libcurl gives NULL only without memory */
    client->base_url = mem_text(base_url);
    client->unix_socket = unix_socket == NULL ? NULL : mem_text(unix_socket);
    client->ca = ca == NULL ? NULL : mem_text(ca);
    return client;
}

void http_client_destroy(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    free(client->base_url);
    free(client->unix_socket);
    free(client->ca);
    free(client);
}

static size_t on_answer(char *at, size_t size, size_t count, void *arg)
{
    struct buf *answer = arg;

    if (answer->size + size * count > ANSWER_MAX_BYTES) {
        return 0; /* libcurl ends the transfer */
    }
    buf_append(answer, bytes_of(at, size * count));
    return size * count;
}

/* Append a header line to *headers; the whole list is the caller's to free. */
static void add_header(struct curl_slist **headers, const char *name, const char *before,
                       const char *value)
{
    struct buf line = { 0 };

    buf_append_format(&line, "%s: %s%s", name, before, value);
    buf_append_u8(&line, 0);
    struct curl_slist *longer = curl_slist_append(*headers, (const char *)line.at);
    CHECK(longer != NULL);
    *headers = longer;
    mem_wipe(line.at, line.size);
    buf_clear(&line);
}

static struct curl_slist *call_headers(const struct http_call *call, bool has_body)
{
    struct curl_slist *headers = NULL;

    add_header(&headers, "Accept", "", "application/json");
    if (has_body) {
        add_header(&headers, "Content-Type", "", "application/json");
    }
    if (call->token != NULL) {
        add_header(&headers, "Authorization", "Bearer ", call->token);
    }
    if (call->command != NULL) {
        add_header(&headers, "Sealpost-Command", "", call->command);
    }
    return headers;
}

/* Set up what each call and the stream have in common. */
static void client_aim(const struct http_client *client, CURL *curl, const char *path)
{
    struct buf url = { 0 };

    buf_append_format(&url, "%s%s", client->base_url, path);
    buf_append_u8(&url, 0);
    (void)curl_easy_setopt(curl, CURLOPT_URL, (const char *)url.at);
    buf_clear(&url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    if (client->unix_socket != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->unix_socket);
    }
    if (client->ca != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca);
    }
}

static void say_unreached(const struct http_client *client, CURLcode code, const char *detail)
{
    const char *why = detail[0] != '\0' ? detail : curl_easy_strerror(code);
    long error = 0;

    if (client->unix_socket == NULL) {
        say_error("cannot reach %s: %s", client->base_url, why);
        return;
    }
    /* What libcurl says of a unix socket speaks of a host and a port. */
    (void)curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &error);
    say_error("cannot reach the relay through %s: %s. Is sealpostd running, and may you open that "
              "socket? --socket names another",
              client->unix_socket, error != 0 ? strerrordesc_np((int)error) : why);
}

CURL *http_client_connect(struct http_client *client)
{
    CURL *curl = curl_easy_init();

    CHECK(curl != NULL);
    client_aim(client, curl, "/");
    (void)curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        say_unreached(client, code, "");
        curl_easy_cleanup(curl);
        return NULL;
    }
    return curl;
}

const char *http_client_base_url(const struct http_client *client)
{
    return client->base_url;
}

static json_t *answer_json(const struct buf *answer)
{
    return answer->size == 0 ? NULL : json_parse(buf_view(answer), LIMIT_JSON_DEPTH);
}

/* Run the call that is set up; body is NULL or stays until the end. */
static bool client_perform(struct http_client *client, struct http_reply *out)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct buf answer = { 0 };
    long status = 0;

    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &answer);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = curl_easy_perform(client->curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
        out->status = (int)status;
        out->json = answer_json(&answer);
    } else {
        say_unreached(client, code, detail);
    }
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, NULL);
    mem_wipe(answer.at, answer.size);
    buf_clear(&answer);
    return code == CURLE_OK;
}

bool http_client_call(struct http_client *client, const struct http_call *call,
                      struct http_reply *out)
{
    struct buf body = { 0 };
    bool has_body = call->body != NULL || call->raw != NULL;

    if (call->body != NULL) {
        json_append_steal(&body, call->body);
    } else if (call->raw != NULL) {
        buf_append_text(&body, call->raw);
    }
    struct curl_slist *headers = call_headers(call, has_body);
    curl_easy_reset(client->curl); /* keeps the open connections */
    client_aim(client, client->curl, call->path);
    (void)curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, (long)CALL_SECONDS);
    (void)curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, call->method);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    if (has_body) {
        (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE, (long)body.size);
        (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, (const char *)body.at);
    }
    *out = (struct http_reply){ .status = 0 };
    bool is_answered = client_perform(client, out);
    curl_slist_free_all(headers);
    mem_wipe(body.at, body.size);
    buf_clear(&body);
    return is_answered;
}

void http_reply_clear(struct http_reply *reply)
{
    json_decref(reply->json);
    reply->json = NULL;
}

static const char *reply_text(const struct http_reply *reply, const char *member)
{
    const char *text = json_string_value(json_object_get(reply->json, member));

    return text == NULL ? "" : text;
}

const char *http_reply_problem(const struct http_reply *reply)
{
    const char *type = reply_text(reply, "type");

    if (strncmp(type, problem_prefix, sizeof problem_prefix - 1) != 0) {
        return "";
    }
    return type + sizeof problem_prefix - 1;
}

enum exit_code http_reply_say(const struct http_reply *reply)
{
    const char *problem = http_reply_problem(reply);
    const char *member =
        reply_text(reply, json_object_get(reply->json, "slot") == NULL ? "member" : "slot");
    const char *explanation = reply_text(reply, "explanation");

    if (problem[0] == '\0') {
        say_error("the answer has status %d and is none of Sealpost's: is the URL that of a "
                  "Sealpost relay, with its path prefix?",
                  reply->status);
        return EXIT_CODE_NETWORK;
    }
    say_error("the relay refused: %s (%d %s%s%s)%s%s", reply_text(reply, "detail"), reply->status,
              problem, member[0] == '\0' ? "" : ", ", member, explanation[0] == '\0' ? "" : " ",
              explanation);
    bool is_broken = reply->status == STATUS_INTERNAL || reply->status == STATUS_OVERLOAD;
    return is_broken ? EXIT_CODE_NETWORK : EXIT_CODE_REFUSED;
}

bool http_reply_is_success(const struct http_reply *reply)
{
    return reply->status >= STATUS_SUCCESS && reply->status < STATUS_SUCCESS_END;
}

enum exit_code http_client_ask(struct http_client *client, const struct http_call *call,
                               json_t **out_json)
{
    struct http_reply reply;

    if (!http_client_call(client, call, &reply)) {
        return EXIT_CODE_NETWORK;
    }
    if (!http_reply_is_success(&reply)) {
        enum exit_code code = http_reply_say(&reply);
        http_reply_clear(&reply);
        return code;
    }
    *out_json = reply.json == NULL ? json_object() : reply.json;
    return EXIT_CODE_OK;
}
