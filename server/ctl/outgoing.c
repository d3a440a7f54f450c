/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/outgoing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/ctl/chain.h"
#include "server/ctl/device_state.h"
#include "server/ctl/message.h"
#include "server/ctl/say.h"
#include "server/ctl/stream_message.h"

struct outgoing_copy {
    struct device_pub pub;
    struct buf body;
};

void outgoing_init(struct outgoing *outgoing, int64_t ttl_s)
{
    *outgoing = (struct outgoing){ .ttl_s = ttl_s };
    random_fill(outgoing->id.raw, sizeof outgoing->id.raw);
}

static void copies_clear(struct outgoing *outgoing)
{
    for (size_t i = 0; i < outgoing->count; i++) {
        buf_clear(&outgoing->copies[i].body);
    }
    free(outgoing->copies);
    outgoing->copies = NULL;
    outgoing->count = 0;
}

void outgoing_clear(struct outgoing *outgoing)
{
    copies_clear(outgoing);
}

/* The 32 bytes that this program seals to; NULL when the device has none. */
static const uint8_t *box_key_of(const struct manifest_device *device)
{
    struct bytes key = manifest_find_key(device, MANIFEST_KEY_SEALED_BOX);

    return key.size == DEVICE_STATE_KEY_BYTES ? key.at : NULL;
}

static bool copy_seal(struct outgoing *outgoing, const struct message_sender *sender,
                      const struct manifest_device *device, struct bytes content)
{
    struct outgoing_copy *copy = &outgoing->copies[outgoing->count];
    const struct message_target target = { .pub = device->pub, .box_public = box_key_of(device) };

    if (target.box_public == NULL) {
        say_error("device %" PRIu32 " of that account has no key that this program seals to; it "
                  "speaks only with other devices of \"sealpost device\"",
                  device->device_id);
        return false;
    }
    copy->pub = device->pub;
    outgoing->count++;
    if (!message_seal(sender, &target, &outgoing->id, content, &copy->body)) {
        say_error("the message is longer than %d bytes, or a key of device %" PRIu32 " is bad",
                  (int)MESSAGE_CONTENT_MAX, device->device_id);
        return false;
    }
    return true;
}

bool outgoing_seal(struct outgoing *outgoing, const struct device_state *from,
                   const struct chain *to, struct bytes content)
{
    const struct manifest *head = to->head;
    const struct message_sender sender = {
        .seed = from->seed,
        .account = from->account,
        .device_id = from->device_id,
    };

    copies_clear(outgoing);
    outgoing->copies = mem_zeroed(head->device_count, sizeof *outgoing->copies);
    outgoing->account = to->account;
    outgoing->epoch = head->epoch;
    for (size_t i = 0; i < head->device_count; i++) {
        bool is_self = memcmp(head->devices[i].pub.raw, from->pub.raw, sizeof from->pub.raw) == 0;
        if (!is_self && !copy_seal(outgoing, &sender, &head->devices[i], content)) {
            return false;
        }
    }
    if (outgoing->count == 0) {
        say_error("that account has no device but this one; there is nobody to send to");
        return false;
    }
    return true;
}

json_t *outgoing_json(const struct outgoing *outgoing)
{
    json_t *recipients = json_array();

    for (size_t i = 0; i < outgoing->count; i++) {
        const struct outgoing_copy *copy = &outgoing->copies[i];
        json_t *pub = json_base64url(bytes_of(copy->pub.raw, sizeof copy->pub.raw));
        json_t *body = json_base64url(buf_view(&copy->body));
        (void)json_array_append_new(recipients,
                                    json_pack("{s:o, s:o}", "device_pub", pub, "body", body));
    }
    json_t *id = json_base64url(bytes_of(outgoing->id.raw, sizeof outgoing->id.raw));
    json_t *account = json_base64url(bytes_of(outgoing->account.raw, sizeof outgoing->account.raw));
    return json_pack("{s:o, s:I, s:b, s:b, s:o, s:I, s:o}", "id", id, "ttl",
                     (json_int_t)outgoing->ttl_s, "urgent", outgoing->is_urgent, "online_only",
                     outgoing->is_online_only, "account_id", account, "epoch",
                     (json_int_t)outgoing->epoch, "recipients", recipients);
}

void outgoing_frame(const struct outgoing *outgoing, uint32_t request, struct buf *out)
{
    unsigned flags = STREAM_LIST_CHECK;

    flags |= outgoing->is_urgent ? STREAM_URGENT : 0U;
    flags |= outgoing->is_online_only ? STREAM_ONLINE_ONLY : 0U;
    buf_append_u8(out, STREAM_SEND);
    buf_append_u32(out, request);
    buf_append_u8(out, (uint8_t)flags);
    buf_append_u32(out, (uint32_t)outgoing->ttl_s);
    buf_append(out, bytes_of(outgoing->id.raw, sizeof outgoing->id.raw));
    buf_append(out, bytes_of(outgoing->account.raw, sizeof outgoing->account.raw));
    buf_append_u64(out, outgoing->epoch);
    buf_append_u16(out, (uint16_t)outgoing->count);
    for (size_t i = 0; i < outgoing->count; i++) {
        const struct outgoing_copy *copy = &outgoing->copies[i];
        buf_append(out, bytes_of(copy->pub.raw, sizeof copy->pub.raw));
        buf_append_u32(out, (uint32_t)copy->body.size);
        buf_append(out, buf_view(&copy->body));
    }
}
