/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/inbox.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/recovery_share.h"
#include "common/utf8.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/message.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"
#include "server/ctl/shares.h"

void inbox_init(struct inbox *inbox, struct device *device, bool as_json)
{
    *inbox = (struct inbox){ .device = device, .as_json = as_json };
}

void inbox_clear(struct inbox *inbox)
{
    if (inbox->has_sender) {
        chain_clear(&inbox->sender);
    }
    inbox->has_sender = false;
}

/* The sender's device in the chain that is held; NULL when that does not have it. */
static const struct manifest_device *sender_device(const struct inbox *inbox,
                                                   const struct message *message)
{
    bool is_held = inbox->has_sender && memcmp(inbox->sender.account.raw, message->account.raw,
                                               sizeof message->account.raw) == 0;

    return is_held ? manifest_find(inbox->sender.head, message->device_id) : NULL;
}

static bool is_signed(const struct inbox *inbox, const struct message *message,
                      const struct envelope_id *id)
{
    const struct manifest_device *device = sender_device(inbox, message);

    return device != NULL && message_verify(message, &device->pub, &inbox->device->state.pub, id);
}

/* Verify the sender, asking the relay for news of its devices when the held list does not do. */
static bool sender_verify(struct inbox *inbox, const struct message *message,
                          const struct envelope_id *id)
{
    if (is_signed(inbox, message, id)) {
        return true;
    }
    inbox_clear(inbox);
    inbox->has_sender =
        people_fetch(inbox->device, &message->account, &inbox->sender) == EXIT_CODE_OK;
    return is_signed(inbox, message, id);
}

static void print_json(const struct inbox_item *item, const struct message *message,
                       bool is_verified)
{
    json_t *line = json_pack("{s:I, s:o, s:I, s:b}", "seq", (json_int_t)item->seq, "id",
                             json_base64url(bytes_of(item->id.raw, sizeof item->id.raw)), "minute",
                             (json_int_t)item->minute, "redelivered", item->is_redelivered);

    if (message == NULL) {
        (void)json_object_set_new(line, "opened", json_false());
    } else {
        struct bytes account = bytes_of(message->account.raw, sizeof message->account.raw);
        struct bytes content = message->content;
        bool is_text = utf8_is_valid(content);
        (void)json_object_set_new(line, "opened", json_true());
        (void)json_object_set_new(line, "verified", json_boolean(is_verified));
        (void)json_object_set_new(line, "account_id", json_base64url(account));
        (void)json_object_set_new(line, "device_id", json_integer(message->device_id));
        (void)json_object_set_new(line, is_text ? "text" : "bytes",
                                  is_text ? json_stringn((const char *)content.at, content.size)
                                          : json_base64url(content));
    }
    say_json_steal(line);
}

/* Print text with its control characters but tab and line feed as dots: it is a stranger's. */
static void print_text(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        int byte = text.at[i];
        bool is_control = (byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7F;
        (void)putchar(is_control ? '.' : byte);
    }
    (void)putchar('\n');
}

static void print_plain(const struct inbox_item *item, const struct message *message,
                        bool is_verified)
{
    if (message == NULL) {
        (void)printf("#%" PRIu64 " an envelope of %zu bytes that this device cannot open\n",
                     item->seq, item->body.size);
        return;
    }
    char *account = base64url_text(bytes_of(message->account.raw, sizeof message->account.raw));
    (void)printf("#%" PRIu64 " from %s device %" PRIu32 "%s%s: ", item->seq, account,
                 message->device_id, is_verified ? "" : " (NOT VERIFIED)",
                 item->is_redelivered ? " (again)" : "");
    free(account);
    if (utf8_is_valid(message->content)) {
        print_text(message->content);
    } else {
        say_base64url(message->content);
    }
}

/* Say whether all that was printed has left. */
static bool printed(void)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        say_error("cannot write to standard output: %s. Nothing more is acknowledged",
                  strerrordesc_np(errno));
        return false;
    }
    return true;
}

/* Keep what is a recovery share; false when it is one and could not be kept. */
static bool share_keep(const struct device_state *state, const struct message *message)
{
    struct recovery_share share;

    if (!shares_read(message->content, &message->account, &share)) {
        return true;
    }
    if (!shares_keep(state, &share)) {
        return false;
    }
    (void)fputs("this device keeps a recovery share for whoever sent the next message\n", stderr);
    return true;
}

bool inbox_print(struct inbox *inbox, const struct inbox_item *item)
{
    const struct device_state *state = &inbox->device->state;
    struct message message;
    struct buf plain = { 0 };
    bool is_open = message_open(state->box_public, state->box_secret, item->body, &plain, &message);
    bool is_verified = is_open && sender_verify(inbox, &message, &item->id);

    if (!is_verified) {
        inbox->worst = EXIT_CODE_UNVERIFIED;
    }
    bool is_kept = !is_verified || share_keep(state, &message);
    if (inbox->as_json) {
        print_json(item, is_open ? &message : NULL, is_verified);
    } else {
        print_plain(item, is_open ? &message : NULL, is_verified);
    }
    mem_wipe(plain.at, plain.size);
    buf_clear(&plain);
    return printed() && is_kept;
}

bool inbox_print_gap(struct inbox *inbox, const struct inbox_gap *gap)
{
    if (inbox->as_json) {
        say_json_steal(json_pack("{s:I, s:{s:I, s:s}}", "seq", (json_int_t)gap->seq, "gap", "count",
                                 (json_int_t)gap->count, "reason", gap->reason));
    } else {
        (void)printf("#%" PRIu64 " %" PRId64 " %s lost: %s\n", gap->seq, gap->count,
                     say_noun(gap->count, "message before this was", "messages before this were"),
                     gap->reason);
    }
    return printed();
}
