/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text in which an operator names key slots of his own: "NAME" or "NAME:USE",
 * comma-separated.  NAME is "x." and 1 to 62 of a-z, 0-9, '.', '-' and '_'; USE is
 * single (the default), last or static.  Pure; any thread.
 */
#pragma once

enum {
    KEY_SLOTS_NAME_BYTES = 64,
    KEY_SLOTS_OPAQUE_MAX = 16 /* slots that an operator may name */
};

/* As the column keys.kind says it. */
enum key_slots_use {
    KEY_SLOTS_SINGLE = 0, /* each key is handed out once */
    KEY_SLOTS_LAST,       /* one key, for when those of another slot are used up */
    KEY_SLOTS_STATIC      /* one key, for everybody */
};

struct key_slots_part {
    char name[KEY_SLOTS_NAME_BYTES + 1];
    enum key_slots_use use;
};

/* Read one part, without spaces or commas.  NULL when it is good, else what is wrong with it. */
const char *key_slots_read(const char *part, struct key_slots_part *out);
