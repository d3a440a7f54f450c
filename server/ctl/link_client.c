/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/link_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/limits.h"
#include "server/ctl/device.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum {
    WAIT_S = 20, /* a call ends before the client would end it */
    PATH_BYTES = 160,
    VERSION_MAX_BITS = 53,
    FIRST_PRINTABLE = 0x20,
    DELETE_CHARACTER = 0x7f
};

static void view_clear(struct link_client_view *view)
{
    buf_clear(&view->entry);
    buf_clear(&view->candidate);
    memset(view, 0, sizeof *view);
}

void link_client_clear(struct link_client *client)
{
    view_clear(&client->view);
}

char *link_client_id_text(const struct link_client *client)
{
    return base64url_text(bytes_of(client->link_id.raw, sizeof client->link_id.raw));
}

/* Copy a text that fits and has nothing in it that would move a terminal's cursor. */
static void copy_text(struct bytes text, char *out, size_t size)
{
    bool fits = text.size < size;

    for (size_t i = 0; i < text.size && fits; i++) {
        fits = text.at[i] >= FIRST_PRINTABLE && text.at[i] != DELETE_CHARACTER;
    }
    size_t kept = fits ? text.size : 0;
    if (kept > 0) {
        memcpy(out, text.at, kept);
    }
    out[kept] = '\0';
}

/* A message of six digits: the place, who says it and the size tell which. */
static void take_message(struct link_client_view *view, size_t place, json_t *message)
{
    struct json_reader reader;
    struct bytes from = { 0 };
    struct buf body = { 0 };

    (void)json_reader_begin_value(&reader, message);
    json_need_text(&reader, "from", &from);
    json_need_bytes(&reader, "body", &body);
    bool is_new = bytes_equal(from, bytes_text("new"));
    if (json_reader_end(&reader) && body.size == SAS_RANDOM_BYTES) {
        if (place == 0 && is_new) {
            view->has_commit = true;
            memcpy(view->commit.raw, body.at, body.size);
        } else if (place == 1 && !is_new) {
            view->has_old_random = true;
            memcpy(view->old_random.raw, body.at, body.size);
        } else if (place == 2 && is_new) {
            view->has_new_random = true;
            memcpy(view->new_random.raw, body.at, body.size);
        }
    }
    buf_clear(&body);
}

/* What is there once a device has claimed it. */
static void take_claim(struct link_client_view *view, struct json_reader *reader)
{
    int64_t device_id = 0;

    if (!json_may_int(reader, "device_id", 1, LIMIT_DEVICE_ID, &device_id)) {
        return;
    }
    view->is_claimed = true;
    view->device_id = (uint32_t)device_id;
    json_need_exact(reader, "device_pub", view->device_pub.raw, sizeof view->device_pub.raw);
    json_need_exact(reader, "account_id", view->account.raw, sizeof view->account.raw);
    (void)json_may_bytes(reader, "manifest", &view->candidate);
}

/* False when it is no link. */
static bool view_take(struct link_client_view *view, json_t *answer)
{
    struct json_reader reader;
    struct bytes state = { 0 };
    struct bytes name = { 0 };
    json_t *messages = NULL;

    view_clear(view);
    (void)json_reader_begin_value(&reader, answer);
    json_need_int(&reader, "version", 1, INT64_C(1) << VERSION_MAX_BITS, &view->version);
    json_need_text(&reader, "state", &state);
    json_need_bytes(&reader, "entry", &view->entry);
    (void)json_may_text(&reader, "name", &name);
    json_need_array(&reader, "messages", &messages);
    take_claim(view, &reader);
    if (reader.kind != JSON_FINE) { /* members that this program does not know are let pass */
        return false;
    }
    copy_text(state, view->state, sizeof view->state);
    copy_text(name, view->name, sizeof view->name);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        take_message(view, i, json_array_get(messages, i));
    }
    return true;
}

/* Call by the token of the link, or by the session. */
static enum exit_code call(struct link_client *client, struct http_call *call,
                           struct http_reply *out)
{
    if (client->token == NULL) {
        return device_call(client->device, call, out);
    }
    call->token = client->token;
    return http_client_call(client->device->http, call, out) ? EXIT_CODE_OK : EXIT_CODE_NETWORK;
}

enum exit_code link_client_read(struct link_client *client, bool wait)
{
    struct http_reply reply = { .status = 0 };
    char *id = link_client_id_text(client);
    char path[PATH_BYTES];
    struct http_call read = { .method = "GET", .path = path };

    (void)snprintf(path, sizeof path, "/v1/links/%s?wait=%d&version=%" PRId64, id,
                   wait ? WAIT_S : 0, client->view.version);
    free(id);
    enum exit_code code = call(client, &read, &reply);
    if (code == EXIT_CODE_OK && !http_reply_is_success(&reply)) {
        code = http_reply_say(&reply);
    } else if (code == EXIT_CODE_OK && !view_take(&client->view, reply.json)) {
        say_error("the relay shows no link that this program understands");
        code = EXIT_CODE_NETWORK;
    }
    http_reply_clear(&reply);
    return code;
}

bool link_client_is(const struct link_client *client, const char *state)
{
    return strcmp(client->view.state, state) == 0;
}

bool link_client_is_over(const struct link_client *client)
{
    return link_client_is(client, "done") || link_client_is(client, "denied") ||
           link_client_is(client, "expired");
}

enum exit_code link_client_say_over(const struct link_client *client)
{
    if (link_client_is(client, "denied")) {
        say_error("the link was denied; nothing was changed");
    } else {
        say_error("the link's time is over; begin a new one with \"sealpost device link\"");
    }
    return EXIT_CODE_REFUSED;
}

enum exit_code link_client_try(struct link_client *client, const char *step, json_t *fields,
                               struct http_reply *out_reply)
{
    char *id = link_client_id_text(client);
    char path[PATH_BYTES];
    struct http_call post = { .method = "POST", .path = path, .body = fields };

    (void)snprintf(path, sizeof path, "/v1/links/%s/%s", id, step);
    free(id);
    (void)json_object_set_new(fields, "version", json_integer(client->view.version));
    enum exit_code code = call(client, &post, out_reply);
    if (code == EXIT_CODE_OK && http_reply_is_success(out_reply)) {
        client->view.version = json_integer_value(json_object_get(out_reply->json, "version"));
    }
    return code;
}

enum exit_code link_client_step(struct link_client *client, const char *step, json_t *fields)
{
    struct http_reply reply = { .status = 0 };
    enum exit_code code = link_client_try(client, step, fields, &reply);

    if (code == EXIT_CODE_OK && !http_reply_is_success(&reply)) {
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    return code;
}

enum exit_code link_client_say(struct link_client *client, const void *at, size_t size)
{
    return link_client_step(client, "messages",
                            json_pack("{s:o}", "body", json_base64url(bytes_of(at, size))));
}

static enum exit_code end(struct link_client *client, struct http_reply *out)
{
    char *id = link_client_id_text(client);
    char path[PATH_BYTES];
    struct http_call deny = { .method = "POST", .path = path, .raw = "{}" };

    (void)snprintf(path, sizeof path, "/v1/links/%s/deny", id);
    free(id);
    return call(client, &deny, out);
}

enum exit_code link_client_end(struct link_client *client)
{
    struct http_reply reply = { .status = 0 };
    enum exit_code code = end(client, &reply);

    if (code == EXIT_CODE_OK && !http_reply_is_success(&reply)) {
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    return code;
}

void link_client_deny(struct link_client *client)
{
    struct http_reply reply = { .status = 0 };

    (void)end(client, &reply);
    http_reply_clear(&reply);
}

void link_client_print(const json_t *link)
{
    const char *id = json_string_value(json_object_get(link, "link_id"));
    const char *state = json_string_value(json_object_get(link, "state"));
    const char *name = json_string_value(json_object_get(link, "name"));
    char shown[LINK_CLIENT_NAME_BYTES] = "";

    if (name != NULL) {
        copy_text(bytes_text(name), shown, sizeof shown);
    }
    (void)printf("%s  %s  %s\n", id == NULL ? "" : id, state == NULL ? "" : state, shown);
}
