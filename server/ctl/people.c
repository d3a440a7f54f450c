/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/people.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "server/ctl/folder.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum {
    STATUS_OK = 200,
    STATUS_NOT_FOUND = 404,
};

bool people_parse_id(const char *text, struct account_id *out)
{
    if (!base64url_decode_exact(bytes_text(text), out->raw, sizeof out->raw)) {
        say_error("\"%.60s\" is no account id: it is 43 characters, letters, digits, - and _",
                  text);
        return false;
    }
    return true;
}

static char *id_text(const struct account_id *account)
{
    return base64url_text(bytes_of(account->raw, sizeof account->raw));
}

/* The folder of the pins, to be freed. */
static char *pins_folder(const struct device_state *state)
{
    struct buf path = { 0 };

    buf_append_format(&path, "%s/pins", state->folder);
    char *text = mem_text_of(path.at, path.size);
    buf_clear(&path);
    return text;
}

bool people_pin(const struct device_state *state, const struct chain *chain)
{
    char *folder = pins_folder(state);
    char *name = id_text(&chain->account);
    bool is_kept = folder_make(folder) && folder_write(folder, name, buf_view(&chain->signed_head));

    free(name);
    free(folder);
    return is_kept;
}

static bool pin_load(const struct device_state *state, struct chain *chain)
{
    char *folder = pins_folder(state);
    char *name = id_text(&chain->account);
    struct buf bytes = { 0 };
    bool is_good = true;

    if (folder_has(folder, name)) {
        is_good = folder_read(folder, name, &bytes) && chain_restore(chain, buf_view(&bytes));
        if (!is_good) {
            say_error("the pin %s/%s is damaged; compare the account by other means before you "
                      "remove it",
                      folder, name);
        }
    }
    buf_clear(&bytes);
    free(name);
    free(folder);
    return is_good;
}

/* ---- own devices (rule 10) ---- */

static void announce_device(const char *what, const struct manifest_device *device)
{
    char *pub = base64url_text(bytes_of(device->pub.raw, sizeof device->pub.raw));

    (void)fprintf(stderr, "  %s device %" PRIu32 "%s with key %s\n", what, device->device_id,
                  (device->flags & MANIFEST_DEVICE_ADMIN) != 0 ? " (admin)" : "", pub);
    free(pub);
}

/* Tell of the devices of one list whose key is not in the other. */
static void announce_missing(const char *what, const struct manifest *in,
                             const struct manifest *from)
{
    for (size_t i = 0; in != NULL && i < in->device_count; i++) {
        if (from == NULL || manifest_find_pub(from, &in->devices[i].pub) == NULL) {
            announce_device(what, &in->devices[i]);
        }
    }
}

static void announce(const struct manifest *old, const struct manifest *fresh)
{
    (void)fprintf(stderr,
                  "ALERT: your account's device list has a new epoch, %" PRIu64
                  "%s. If you did not do this, remove the device now:\n",
                  fresh->epoch,
                  (fresh->flags & MANIFEST_FLAG_RECOVERY) != 0 ? ", signed by the recovery key"
                                                               : "");
    announce_missing("added", fresh, old);
    announce_missing("removed", old, fresh);
}

/* ---- fetching ---- */

struct fetch {
    struct chain *chain;
    bool is_own;               /* the device's own account: announce each step */
    const struct chain *until; /* its head is where to stop; NULL: the relay's head is */
    people_visit_fn *visit;    /* told each step, or NULL */
    void *visit_arg;
};

static enum exit_code refuse(const struct chain *chain, enum chain_result result)
{
    char *id = id_text(&chain->account);

    say_error("do NOT trust the device list that the relay shows for %s: %s. Nothing was sent to "
              "it; the devices verified before stay pinned",
              id, chain_result_text(result, chain->rule));
    free(id);
    return EXIT_CODE_UNVERIFIED;
}

static enum exit_code fetch_step(const struct fetch *fetch, const char *text)
{
    struct chain *chain = fetch->chain;
    struct buf bytes = { 0 };
    struct buf old_bytes = { 0 };
    struct manifest *old = NULL;

    if (text == NULL || !base64url_decode(bytes_text(text), &bytes)) {
        buf_clear(&bytes);
        return refuse(chain, CHAIN_BROKEN);
    }
    if (fetch->is_own && chain->head != NULL) {
        old = mem_zeroed(1, sizeof *old);
        buf_append(&old_bytes, buf_view(&chain->signed_head));
        (void)manifest_parse(buf_view(&old_bytes), old);
    }
    enum chain_result result = chain_extend(chain, buf_view(&bytes));
    if (result == CHAIN_OK && fetch->is_own) {
        announce(old, chain->head);
    }
    if (result == CHAIN_OK && fetch->visit != NULL) {
        fetch->visit(fetch->visit_arg, chain->head);
    }
    free(old);
    buf_clear(&old_bytes);
    buf_clear(&bytes);
    return result == CHAIN_OK ? EXIT_CODE_OK : refuse(chain, result);
}

/* Whether nothing is left to fetch, whatever the relay has. */
static bool is_reached(const struct fetch *fetch)
{
    return fetch->until != NULL && fetch->chain->head != NULL &&
           fetch->chain->head->epoch >= fetch->until->head->epoch;
}

/* The last step must be the head that the relay names, or the one that was to be reached. */
static enum exit_code head_check(const struct fetch *fetch, const json_t *page)
{
    const char *hash_text = json_string_value(json_object_get(page, "hash"));
    enum chain_result result = CHAIN_BACK;
    struct manifest_hash hash;

    if (fetch->until != NULL) {
        result = chain_judge_head(fetch->chain, fetch->until->head->epoch, &fetch->until->hash);
    } else if (hash_text != NULL &&
               base64url_decode_exact(bytes_text(hash_text), hash.raw, sizeof hash.raw)) {
        uint64_t epoch = (uint64_t)json_integer_value(json_object_get(page, "epoch"));
        result = chain_judge_head(fetch->chain, epoch, &hash);
    }
    return result == CHAIN_SAME ? EXIT_CODE_OK : refuse(fetch->chain, result);
}

/* Verify one page; *out_more says whether another one follows. */
static enum exit_code fetch_page(const struct fetch *fetch, const json_t *page, bool *out_more)
{
    const json_t *manifests = json_object_get(page, "manifests");

    for (size_t i = 0; i < json_array_size(manifests) && !is_reached(fetch); i++) {
        enum exit_code code = fetch_step(fetch, json_string_value(json_array_get(manifests, i)));
        if (code != EXIT_CODE_OK) {
            return code;
        }
    }
    *out_more = json_is_true(json_object_get(page, "more")) && json_array_size(manifests) > 0 &&
                !is_reached(fetch);
    return *out_more ? EXIT_CODE_OK : head_check(fetch, page);
}

/* Get a page; only a success comes back as OK. */
static enum exit_code page_ask(struct device *device, const char *path, const char *id,
                               struct http_reply *out)
{
    const struct http_call call = { .method = "GET", .path = path };
    enum exit_code code = device_call(device, &call, out);

    if (code != EXIT_CODE_OK || out->status == STATUS_OK) {
        return code;
    }
    if (out->status == STATUS_NOT_FOUND) {
        say_error("the relay has no account %s: compare the id; or it was erased", id);
        return EXIT_CODE_REFUSED;
    }
    return http_reply_say(out);
}

static enum exit_code fetch_pages(struct device *device, const struct fetch *fetch)
{
    char *id = id_text(&fetch->chain->account);
    enum exit_code code = EXIT_CODE_OK;
    bool more = true;

    while (code == EXIT_CODE_OK && more) {
        struct buf path = { 0 };
        struct http_reply reply = { .status = 0 };
        buf_append_format(&path, "/v1/accounts/%s", id);
        if (fetch->chain->head != NULL) {
            buf_append_format(&path, "?since=%" PRIu64, fetch->chain->head->epoch);
        }
        buf_append_u8(&path, 0);
        code = page_ask(device, (const char *)path.at, id, &reply);
        if (code == EXIT_CODE_OK) {
            code = fetch_page(fetch, reply.json, &more);
        }
        http_reply_clear(&reply);
        buf_clear(&path);
    }
    free(id);
    return code;
}

static bool is_own(const struct device *device, const struct account_id *account)
{
    return device->state.has_account &&
           memcmp(account->raw, device->state.account.raw, sizeof account->raw) == 0;
}

enum exit_code people_fetch(struct device *device, const struct account_id *account,
                            struct chain *chain)
{
    const struct fetch fetch = { .chain = chain, .is_own = is_own(device, account) };
    enum exit_code code = EXIT_CODE_LOCAL;

    chain_init(chain, account);
    if (pin_load(&device->state, chain)) {
        code = fetch_pages(device, &fetch);
    }
    if (code == EXIT_CODE_OK && !people_pin(&device->state, chain)) {
        code = EXIT_CODE_LOCAL;
    }
    if (code != EXIT_CODE_OK) {
        chain_clear(chain);
    }
    return code;
}

enum exit_code people_extend(struct device *device, struct chain *chain, const json_t *page)
{
    const struct fetch fetch = { .chain = chain, .is_own = is_own(device, &chain->account) };
    bool more = false;
    enum exit_code code = fetch_page(&fetch, page, &more);

    if (code == EXIT_CODE_OK && more) {
        code = fetch_pages(device, &fetch);
    }
    if (code == EXIT_CODE_OK && !people_pin(&device->state, chain)) {
        code = EXIT_CODE_LOCAL;
    }
    return code;
}

enum exit_code people_walk(struct device *device, const struct chain *chain, people_visit_fn *visit,
                           void *arg)
{
    struct chain walked;
    const struct fetch fetch = {
        .chain = &walked, .until = chain, .visit = visit, .visit_arg = arg
    };

    chain_init(&walked, &chain->account);
    enum exit_code code = fetch_pages(device, &fetch);
    chain_clear(&walked);
    return code;
}
