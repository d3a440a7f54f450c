/* SPDX-License-Identifier: Apache-2.0 */
#include "common/key_slots.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *const uses[] = {
    [KEY_SLOTS_SINGLE] = "single",
    [KEY_SLOTS_LAST] = "last",
    [KEY_SLOTS_STATIC] = "static",
};

static bool use_of(const char *text, enum key_slots_use *out)
{
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        if (strcmp(text, uses[i]) == 0) {
            *out = (enum key_slots_use)i;
            return true;
        }
    }
    return false;
}

const char *key_slots_read(const char *part, struct key_slots_part *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    struct key_slots_part made = { .use = KEY_SLOTS_SINGLE };
    size_t size = strcspn(part, ":");

    if (strncmp(part, "x.", 2) != 0 || size < 3) {
        return "names of an operator's own slots begin with \"x.\", e.g. x.example";
    }
    if (size > KEY_SLOTS_NAME_BYTES || strspn(part, letters) < size) {
        return "a slot's name has at most 64 of a-z, 0-9, '.', '-' and '_'";
    }
    if (part[size] == ':' && !use_of(part + size + 1, &made.use)) {
        return "behind the ':' stands single, last or static";
    }
    memcpy(made.name, part, size);
    *out = made;
    return NULL;
}
