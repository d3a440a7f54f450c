/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/recovery_seed.h"

#include <stdbool.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/recovery_key.h"
#include "server/ctl/arguments.h"
#include "server/ctl/ask.h"
#include "server/ctl/command.h"
#include "server/ctl/folder.h"
#include "server/ctl/say.h"

/* 28 letters, or the seed itself as register writes it. */
static bool text_read(struct bytes text, uint8_t out[32])
{
    struct recovery_key key;
    bool is_key = false;

    while (text.size > 0 && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r')) {
        text.size--;
    }
    if (base64url_decode_exact(text, out, CRYPTO_SEED_BYTES)) {
        return true;
    }
    is_key = recovery_key_read(text, &key);
    if (is_key) {
        recovery_key_seed(&key, out);
        mem_wipe(&key, sizeof key);
    }
    return is_key;
}

static enum exit_code file_read(const char *path, uint8_t out[32])
{
    struct buf text = { 0 };
    enum exit_code code = EXIT_CODE_LOCAL;

    if (folder_read_path(path, ASK_MAX, &text)) {
        code = text_read(buf_view(&text), out) ? EXIT_CODE_OK : EXIT_CODE_USAGE;
        if (code != EXIT_CODE_OK) {
            say_error("%s holds no recovery key", path);
        }
    }
    if (text.size > 0) {
        mem_wipe(text.at, text.size);
    }
    buf_clear(&text);
    return code;
}

enum exit_code recovery_seed_read(const struct arguments *arguments, uint8_t out[32])
{
    const char *path = arguments_text(arguments, OPTION_RECOVERY, NULL);
    char typed[ASK_MAX];
    bool is_key = false;

    if (path != NULL) {
        return file_read(path, out);
    }
    if (!ask_secret("Recovery key: ", typed)) {
        return EXIT_CODE_USAGE;
    }
    is_key = text_read(bytes_text(typed), out);
    mem_wipe(typed, sizeof typed);
    if (!is_key) {
        say_error("that is no recovery key: it has 28 letters and digits; compare each with your "
                  "paper");
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}
