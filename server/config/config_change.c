/* SPDX-License-Identifier: Apache-2.0 */
/* From one configuration to the next: what differs, and what of it a running daemon takes. */
#include <stdbool.h>
#include <string.h>

#include "common/buf.h"
#include "server/config/config.h"
#include "server/config/config_check.h"
#include "server/config/config_field.h"
#include "server/config/fault.h"
#include "server/config/options.h"
#include "server/config/settings.h"

static bool differs(const struct config *a, const struct config *b,
                    const struct options_entry *option)
{
    return option->kind == OPTIONS_TEXT
               ? strcmp(config_field_text(a, option), config_field_text(b, option)) != 0
               : config_field(a, option) != config_field(b, option);
}

/* Append the value as it is shown, and a NUL; borrowed from out. */
static const char *show(const struct config *config, const struct options_entry *option,
                        struct buf *out)
{
    config_field_show(config, option, out);
    buf_append_u8(out, 0);
    return (const char *)out->at;
}

void config_compare(const struct config *old, const struct config *fresh, config_change_fn *tell,
                    void *arg)
{
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        const struct options_entry *option = &options_table[i];
        struct buf was = { 0 };
        struct buf is = { 0 };
        if (!differs(old, fresh, option)) {
            continue;
        }
        const struct config_change change = {
            .name = option->name,
            .old = show(old, option, &was),
            .fresh = show(fresh, option, &is),
            .reloadable = option->reloadable,
        };
        tell(arg, &change);
        buf_clear(&was);
        buf_clear(&is);
    }
}

static void copy_field(struct config *to, const struct config *from,
                       const struct options_entry *option)
{
    if (option->kind == OPTIONS_TEXT) {
        config_field_set_text(to, option, config_field_text(from, option));
    } else {
        config_field_set(to, option, config_field(from, option));
    }
}

bool config_next(const struct config *running, const struct config *fresh,
                 const struct config_source *source, struct config *out, char *out_error,
                 size_t error_size)
{
    struct config next = { 0 };
    struct settings settings;
    struct fault fault;
    bool good = false;

    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        const struct options_entry *option = &options_table[i];
        copy_field(&next, option->reloadable ? fresh : running, option);
    }
    fault_init(&fault, out_error, error_size);
    good = settings_gather(&settings, source, &fault) && config_check(&next, &settings, &fault);
    settings_clear(&settings);
    if (good) {
        *out = next;
    } else {
        config_clear(&next);
    }
    return good;
}

void config_apply(struct config *running, const struct config *fresh)
{
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        if (options_table[i].reloadable) {
            copy_field(running, fresh, &options_table[i]);
        }
    }
}
