/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/device_state.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/ctl/folder.h"
#include "server/ctl/say.h"

static const char file_name[] = "device.json";

enum {
    SEQ_MAX_BITS = 53,
    IDENTITY_TYPE = 0x05 /* the first byte of libsignal's X25519 keys */
};

/* Derive what the seeds of the state stand for. */
static void derive(struct device_state *state)
{
    crypto_public_of(state->seed, state->pub.raw);
    if (state->has_identity) {
        state->identity[0] = IDENTITY_TYPE;
        crypto_xeddsa_public_of(state->identity_seed, state->identity + 1);
    }
}

void device_state_init(struct device_state *state, const char *folder, const char *url,
                       const char *name, const char *ca)
{
    memset(state, 0, sizeof *state);
    state->folder = mem_text(folder);
    state->url = mem_text(url);
    state->name = mem_text(name);
    state->ca = ca == NULL ? NULL : mem_text(ca);
    random_fill(state->seed, sizeof state->seed);
    random_fill(state->identity_seed, sizeof state->identity_seed);
    state->has_identity = true;
    derive(state);
    crypto_make_box_pair(state->box_public, state->box_secret);
}

void device_state_clear(struct device_state *state)
{
    free(state->folder);
    free(state->url);
    free(state->name);
    free(state->ca);
    mem_wipe(state, sizeof *state);
}

static void put_bytes(json_t *object, const char *member, const void *at, size_t size)
{
    (void)json_object_set_new(object, member, json_base64url(bytes_of(at, size)));
}

bool device_state_save(const struct device_state *state)
{
    json_t *object = json_pack("{s:s, s:s, s:I}", "url", state->url, "name", state->name,
                               "command_seq", (json_int_t)state->command_seq);
    struct buf text = { 0 };

    put_bytes(object, "seed", state->seed, sizeof state->seed);
    put_bytes(object, "box_public", state->box_public, sizeof state->box_public);
    put_bytes(object, "box_secret", state->box_secret, sizeof state->box_secret);
    if (state->has_identity) {
        put_bytes(object, "identity_seed", state->identity_seed, sizeof state->identity_seed);
    }
    if (state->ca != NULL) {
        (void)json_object_set_new(object, "ca", json_string(state->ca));
    }
    if (state->has_account) {
        put_bytes(object, "account_id", state->account.raw, sizeof state->account.raw);
        (void)json_object_set_new(object, "device_id", json_integer(state->device_id));
    }
    json_append_steal(&text, object);
    buf_append_text(&text, "\n");
    bool is_saved =
        folder_make(state->folder) && folder_write(state->folder, file_name, buf_view(&text));
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    return is_saved;
}

bool device_state_exists(const char *folder)
{
    return folder_has(folder, file_name);
}

static char *text_copy(struct bytes text)
{
    return text.at == NULL ? NULL : mem_text_of(text.at, text.size);
}

static bool state_parse(struct device_state *state, struct bytes text)
{
    struct json_reader reader;
    struct bytes url = { 0 };
    struct bytes name = { 0 };
    struct bytes ca = { 0 };
    int64_t device_id = 0;

    if (!json_reader_begin(&reader, text)) {
        return false;
    }
    json_need_text(&reader, "url", &url);
    json_need_text(&reader, "name", &name);
    (void)json_may_text(&reader, "ca", &ca);
    json_need_exact(&reader, "seed", state->seed, sizeof state->seed);
    json_need_exact(&reader, "box_public", state->box_public, sizeof state->box_public);
    json_need_exact(&reader, "box_secret", state->box_secret, sizeof state->box_secret);
    state->has_identity =
        json_may_exact(&reader, "identity_seed", state->identity_seed, sizeof state->identity_seed);
    json_need_int(&reader, "command_seq", 0, INT64_C(1) << SEQ_MAX_BITS, &state->command_seq);
    state->has_account =
        json_may_exact(&reader, "account_id", state->account.raw, sizeof state->account.raw);
    if (state->has_account) {
        json_need_int(&reader, "device_id", 1, LIMIT_DEVICE_ID, &device_id);
    }
    state->device_id = (uint32_t)device_id;
    state->url = text_copy(url);
    state->name = text_copy(name);
    state->ca = text_copy(ca);
    return json_reader_end(&reader);
}

bool device_state_load(struct device_state *state, const char *folder)
{
    struct buf text = { 0 };

    memset(state, 0, sizeof *state);
    if (!device_state_exists(folder)) {
        say_error("there is no device in %s; make one with \"sealpost device register\", or name "
                  "another folder with --dir",
                  folder);
        return false;
    }
    bool is_read = folder_read(folder, file_name, &text);
    bool is_good = is_read && state_parse(state, buf_view(&text));
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    if (!is_good) {
        if (is_read) {
            say_error("%s/%s is damaged; take it from a backup, or make a new device", folder,
                      file_name);
        }
        device_state_clear(state);
        return false;
    }
    state->folder = mem_text(folder);
    derive(state);
    return true;
}

size_t device_state_keys(const struct device_state *state,
                         struct manifest_key out[DEVICE_STATE_KEYS_MAX])
{
    size_t count = 0;

    if (state->has_identity) {
        out[count++] = (struct manifest_key){
            .type = MANIFEST_KEY_SIGNAL,
            .key = bytes_of(state->identity, sizeof state->identity),
        };
    }
    out[count++] = (struct manifest_key){
        .type = MANIFEST_KEY_SEALED_BOX,
        .key = bytes_of(state->box_public, sizeof state->box_public),
    };
    return count;
}

void device_state_entry(const struct device_state *state, struct buf *out)
{
    struct manifest_device device = { .pub = state->pub };

    device.key_count = (uint8_t)device_state_keys(state, device.keys);
    link_entry_build(&device, out);
}

bool device_state_url_check(const char *url, size_t *out_size)
{
    const char *host = strstr(url, "://");

    if (host == NULL || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)) {
        return false;
    }
    host += 3;
    size_t host_size = strcspn(host, "/");
    for (size_t i = 0; i < host_size; i++) {
        if (isupper((unsigned char)host[i]) != 0 || strchr("?#@ ", host[i]) != NULL) {
            return false;
        }
    }
    size_t size = strcspn(url, "?# ");
    bool is_whole = url[size] == '\0' && host_size > 0;
    while (size > 0 && url[size - 1] == '/') {
        size--;
    }
    *out_size = size;
    return is_whole && size <= LIMIT_AUDIENCE_BYTES;
}
