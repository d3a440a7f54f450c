/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch mail over HTTP, print it, and only then acknowledge it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/decimal.h"
#include "common/ids.h"
#include "common/limits.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/follow.h"
#include "server/ctl/http_client.h"
#include "server/ctl/inbox.h"
#include "server/ctl/say.h"

static enum exit_code ack_send(struct device *device, json_t *seqs, json_int_t *out_count)
{
    const struct http_call call = { .method = "POST",
                                    .path = "/v1/mailbox/ack",
                                    .body = json_pack("{s:o}", "seqs", seqs) };
    json_t *answer = NULL;
    enum exit_code code = device_ask(device, &call, &answer);

    if (code == EXIT_CODE_OK) {
        *out_count = json_integer_value(json_object_get(answer, "acknowledged"));
        json_decref(answer);
    }
    return code;
}

/* Print one item of the mailbox; false when it cannot be printed or understood. */
static bool item_print(struct inbox *inbox, const json_t *object)
{
    const json_t *gap = json_object_get(object, "gap");
    const char *id = json_string_value(json_object_get(object, "id"));
    const char *body = json_string_value(json_object_get(object, "body"));
    const char *reason = json_string_value(json_object_get(gap, "reason"));
    struct inbox_item item = {
        .seq = (uint64_t)json_integer_value(json_object_get(object, "seq")),
        .minute = json_integer_value(json_object_get(object, "minute")),
        .is_redelivered = json_is_true(json_object_get(object, "redelivered")),
    };
    struct buf bytes = { 0 };

    if (gap != NULL) {
        const struct inbox_gap lost = {
            .seq = item.seq,
            .count = json_integer_value(json_object_get(gap, "count")),
            .reason = reason == NULL ? "" : reason,
        };
        return inbox_print_gap(inbox, &lost);
    }
    bool is_read = id != NULL && body != NULL &&
                   base64url_decode_exact(bytes_text(id), item.id.raw, sizeof item.id.raw) &&
                   base64url_decode(bytes_text(body), &bytes);
    if (!is_read) {
        say_error("the relay gave an envelope that is malformed");
    }
    item.body = buf_view(&bytes);
    bool is_printed = is_read && inbox_print(inbox, &item);
    buf_clear(&bytes);
    return is_printed;
}

/* Print a page and acknowledge what was printed of it. */
static enum exit_code page_take(struct inbox *inbox, const json_t *page)
{
    const json_t *items = json_object_get(page, "envelopes");
    json_t *seqs = json_array();
    json_int_t count = 0;
    bool is_printed = true;

    for (size_t i = 0; is_printed && i < json_array_size(items); i++) {
        const json_t *object = json_array_get(items, i);
        is_printed = item_print(inbox, object);
        if (is_printed) {
            (void)json_array_append(seqs, json_object_get(object, "seq"));
        }
    }
    enum exit_code code = is_printed ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
    if (json_array_size(seqs) == 0) {
        json_decref(seqs);
        return code;
    }
    enum exit_code acked = ack_send(inbox->device, seqs, &count);
    return code == EXIT_CODE_OK ? acked : code;
}

/* Fetch pages until the mailbox is empty, or only one when `limit` was asked for. */
static enum exit_code mailbox_take(struct inbox *inbox, int64_t limit)
{
    enum exit_code code = EXIT_CODE_OK;
    bool more = true;

    while (code == EXIT_CODE_OK && more) {
        struct buf path = { 0 };
        json_t *page = NULL;
        buf_append_format(&path, "/v1/mailbox?limit=%" PRId64,
                          limit == 0 ? (int64_t)LIMIT_PULL_ITEMS_DEFAULT : limit);
        buf_append_u8(&path, 0);
        const struct http_call call = { .method = "GET", .path = (const char *)path.at };
        code = device_ask(inbox->device, &call, &page);
        if (code == EXIT_CODE_OK) {
            code = page_take(inbox, page);
            more = limit == 0 && json_is_true(json_object_get(page, "more"));
        }
        json_decref(page);
        buf_clear(&path);
    }
    return code;
}

enum exit_code device_receive_run(const struct arguments *arguments)
{
    int64_t limit = 0;
    struct device device;
    struct inbox inbox;

    if (!arguments_number(arguments, OPTION_LIMIT, 1, LIMIT_PULL_ITEMS, &limit)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    inbox_init(&inbox, &device, arguments_has(arguments, OPTION_JSON));
    code = arguments_has(arguments, OPTION_FOLLOW) ? follow_run(&inbox, limit)
                                                   : mailbox_take(&inbox, limit);
    code = code == EXIT_CODE_OK ? inbox.worst : code;
    inbox_clear(&inbox);
    device_close(&device);
    return code;
}

enum exit_code device_receive_ack(const struct arguments *arguments)
{
    json_t *seqs = json_array();
    json_int_t count = 0;
    struct device device;

    for (size_t i = 0; i < arguments->word_count; i++) {
        int64_t seq = 0;
        if (!decimal_parse(bytes_text(arguments->words[i]), INT64_MAX / 1024, &seq)) {
            say_error("\"%.40s\" is no sequence number", arguments->words[i]);
            json_decref(seqs);
            return EXIT_CODE_USAGE;
        }
        (void)json_array_append_new(seqs, json_integer(seq));
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code != EXIT_CODE_OK) {
        json_decref(seqs);
        return code;
    }
    code = ack_send(&device, seqs, &count);
    if (code == EXIT_CODE_OK) {
        (void)printf("%" JSON_INTEGER_FORMAT " acknowledged\n", count);
    }
    device_close(&device);
    return code;
}
