/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/asking.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/handle.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/ctl/folder.h"
#include "server/ctl/say.h"

static const char file_name[] = "recovery.json";

bool asking_exists(const char *folder)
{
    return folder_has(folder, file_name);
}

static void put_bytes(json_t *object, const char *member, const void *at, size_t size)
{
    (void)json_object_set_new(object, member, json_base64url(bytes_of(at, size)));
}

bool asking_save(const char *folder, const struct asking *asking)
{
    json_t *object = json_object();
    struct buf text = { 0 };

    recovering_whom_put(&asking->whom, object);
    put_bytes(object, "recovery_id", asking->id.raw, sizeof asking->id.raw);
    put_bytes(object, "token", asking->token, sizeof asking->token);
    put_bytes(object, "public_key", asking->public_key, sizeof asking->public_key);
    put_bytes(object, "secret_key", asking->secret_key, sizeof asking->secret_key);
    if (asking->has_seed) {
        put_bytes(object, "seed", asking->seed, sizeof asking->seed);
    }
    json_append_steal(&text, object);
    bool is_saved = folder_write(folder, file_name, buf_view(&text));
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    return is_saved;
}

static bool parse(struct bytes text, struct asking *out)
{
    struct json_reader reader;
    struct bytes handle = { 0 };

    if (!json_reader_begin(&reader, text)) {
        return false;
    }
    if (json_may_text(&reader, "handle", &handle)) {
        out->whom.is_handle = handle_read(handle, &out->whom.handle);
    } else {
        json_need_exact(&reader, "account_id", out->whom.account.raw, sizeof out->whom.account.raw);
    }
    json_need_exact(&reader, "recovery_id", out->id.raw, sizeof out->id.raw);
    json_need_exact(&reader, "token", out->token, sizeof out->token);
    json_need_exact(&reader, "public_key", out->public_key, sizeof out->public_key);
    json_need_exact(&reader, "secret_key", out->secret_key, sizeof out->secret_key);
    out->has_seed = json_may_exact(&reader, "seed", out->seed, sizeof out->seed);
    return json_reader_end(&reader);
}

bool asking_load(const char *folder, struct asking *out)
{
    struct buf text = { 0 };

    memset(out, 0, sizeof *out);
    if (!asking_exists(folder)) {
        say_error("no recovery was begun in %s; begin one with \"sealpost device recovery ask\"",
                  folder);
        return false;
    }
    bool is_read = folder_read(folder, file_name, &text);
    bool is_good = is_read && parse(buf_view(&text), out);
    if (text.size > 0) {
        mem_wipe(text.at, text.size);
    }
    buf_clear(&text);
    if (is_read && !is_good) {
        say_error("%s/%s is damaged; remove it, and begin another recovery", folder, file_name);
    }
    return is_good;
}

bool asking_forget(const char *folder)
{
    struct buf path = { 0 };

    buf_append_format(&path, "%s/%s", folder, file_name);
    buf_append_u8(&path, 0);
    bool is_gone = unlink((const char *)path.at) == 0;
    if (!is_gone) {
        say_error("cannot remove %s: it holds your recovery key's seed; remove it yourself",
                  (const char *)path.at);
    }
    buf_clear(&path);
    return is_gone;
}
