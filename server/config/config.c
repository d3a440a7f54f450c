/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts are gathered first (settings.h), then turned into values by the table of
 * options, then checked as a whole: so each text is read in one way, wherever it
 * came from, and a wrong one is told with its origin.
 */
#include "server/config/config.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/mem.h"
#include "server/config/config_check.h"
#include "server/config/config_field.h"
#include "server/config/fault.h"
#include "server/config/options.h"
#include "server/config/settings.h"
#include "server/config/url.h"
#include "server/config/value.h"

static bool read_field(struct config *config, size_t index, const struct settings *settings,
                       const struct fault *fault)
{
    const struct options_entry *option = &options_table[index];
    const struct settings_entry *given = &settings->of[index];
    int64_t value = option->number;

    if (option->kind == OPTIONS_TEXT) {
        const char *text = given->text != NULL ? given->text : option->text;
        if (!value_text_is_fit(option, text, settings_origin(settings, option->name), fault)) {
            return false;
        }
        config_field_set_text(config, option, text);
        return true;
    }
    if (given->text != NULL && !value_read(option, given->text, given->origin, fault, &value)) {
        return false;
    }
    config_field_set(config, option, value);
    return true;
}

/* An empty path becomes name in data_dir. */
static void derive_path(char **path, const char *data_dir, const char *name)
{
    struct buf derived = { 0 };

    if ((*path)[0] != '\0') {
        return;
    }
    buf_append_format(&derived, "%s/%s", data_dir, name);
    free(*path);
    *path = mem_text_of(derived.at, derived.size);
    buf_clear(&derived);
}

/* An empty text becomes a part of the base URL, which need not be a good one yet. */
static void derive_part(char **text, struct bytes part)
{
    if ((*text)[0] == '\0') {
        free(*text);
        *text = mem_text_of(part.at, part.size);
    }
}

static bool read_config(const struct settings *settings, struct config *config,
                        const struct fault *fault)
{
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        if (!read_field(config, i, settings, fault)) {
            return false;
        }
    }
    derive_path(&config->admin_socket, config->data_dir, "admin.sock");
    derive_path(&config->key_dir, config->data_dir, "keys");
    derive_part(&config->webauthn_rp_id, url_host(config->base_url));
    derive_part(&config->webauthn_origins, url_origin(config->base_url));
    return config_check(config, settings, fault);
}

bool config_read(const struct config_source *source, struct config *out, char *out_error,
                 size_t error_size)
{
    struct fault fault;
    struct settings settings;
    struct config config = { 0 };
    bool good = false;

    fault_init(&fault, out_error, error_size);
    good = settings_gather(&settings, source, &fault) && read_config(&settings, &config, &fault);
    settings_clear(&settings);
    if (good) {
        *out = config;
    } else {
        config_clear(&config);
    }
    return good;
}

void config_clear(struct config *config)
{
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        if (options_table[i].kind == OPTIONS_TEXT) {
            config_field_clear(config, &options_table[i]);
        }
    }
}
