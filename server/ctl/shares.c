/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/shares.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/mem.h"
#include "server/ctl/device_state.h"
#include "server/ctl/folder.h"
#include "server/ctl/say.h"

static const char mark[] = "sealpost:recovery-share?";

void shares_write(const struct recovery_share *share, struct buf *out)
{
    struct buf bytes = { 0 };

    recovery_share_append(share, &bytes);
    buf_append_text(out, mark);
    base64url_encode(buf_view(&bytes), out);
    mem_wipe(bytes.at, bytes.size);
    buf_clear(&bytes);
}

bool shares_read(struct bytes content, const struct account_id *owner, struct recovery_share *out)
{
    const size_t mark_size = sizeof mark - 1;
    uint8_t bytes[RECOVERY_SHARE_BYTES];

    return content.size > mark_size && memcmp(content.at, mark, mark_size) == 0 &&
           base64url_decode_exact(bytes_of(content.at + mark_size, content.size - mark_size), bytes,
                                  sizeof bytes) &&
           recovery_share_read(bytes_of(bytes, sizeof bytes), out) &&
           memcmp(out->account_id.raw, owner->raw, sizeof owner->raw) == 0;
}

/* The folder of the shares, to be freed. */
static char *shares_folder(const struct device_state *state)
{
    struct buf path = { 0 };

    buf_append_format(&path, "%s/shares", state->folder);
    char *text = mem_text_of(path.at, path.size);
    buf_clear(&path);
    return text;
}

bool shares_keep(const struct device_state *state, const struct recovery_share *share)
{
    char *folder = shares_folder(state);
    char *name = base64url_text(bytes_of(share->account_id.raw, sizeof share->account_id.raw));
    struct buf bytes = { 0 };

    recovery_share_append(share, &bytes);
    bool is_kept = folder_make(folder) && folder_write(folder, name, buf_view(&bytes));
    mem_wipe(bytes.at, bytes.size);
    buf_clear(&bytes);
    free(name);
    free(folder);
    return is_kept;
}

bool shares_load(const struct device_state *state, const struct account_id *owner,
                 struct recovery_share *out)
{
    char *folder = shares_folder(state);
    char *name = base64url_text(bytes_of(owner->raw, sizeof owner->raw));
    struct buf bytes = { 0 };
    bool is_there = folder_has(folder, name);
    bool is_good =
        is_there && folder_read(folder, name, &bytes) && recovery_share_read(buf_view(&bytes), out);

    if (!is_there) {
        say_error("this device keeps no recovery share of %s; if that one of your devices was sent "
                  "it, help with that one",
                  name);
    } else if (!is_good) {
        say_error("the share %s/%s is damaged", folder, name);
    }
    mem_wipe(bytes.at, bytes.size);
    buf_clear(&bytes);
    free(name);
    free(folder);
    return is_good;
}
