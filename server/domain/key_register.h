/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register of keys: which key files the relay has been used with, by fingerprint, and
 * which daemons hold them.  A fingerprint tells a key from another one and nothing of it.
 * So a daemon whose files are others does not go on, and a new key is put in force only
 * when every daemon that runs holds it:
 *
 *   made -> AWAITED --(all hold it)--> IN_FORCE --(nothing needs it)--> RETIRED
 *
 * Of a purpose the highest id in force is used for what is made from now on; older ones
 * stay good for what they made.  Ids are never given again.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domain;
struct key_register;

enum {
    KEY_FINGERPRINT_BYTES = 16,
    KEY_PURPOSE_BYTES = 16,     /* the longest word for a purpose, and a NUL */
    KEY_REGISTER_HELD_MAX = 64, /* keys that a daemon may hold */
    KEY_REGISTER_MAX = 256,     /* rows that are read */
    KEY_UNRETIRED_MAX = 8,      /* keys of a purpose that are not retired */
};

enum key_state {
    KEY_AWAITED = 0,
    KEY_IN_FORCE,
    KEY_RETIRED
};

/* A key that this daemon holds. */
struct key_held {
    char purpose[KEY_PURPOSE_BYTES];
    uint32_t id;
    uint8_t fingerprint[KEY_FINGERPRINT_BYTES];
    bool is_used; /* what is made now is made with it */
};

struct key_row {
    char purpose[KEY_PURPOSE_BYTES];
    uint32_t id;
    uint8_t fingerprint[KEY_FINGERPRINT_BYTES];
    enum key_state state;
    int64_t since;    /* Unix seconds: when it came to this state */
    int64_t lacking;  /* daemons that run and do not hold it */
    int64_t using_it; /* daemons that run and make with it */
};

/*
 * What the domain asks of whoever has the files.  purpose is a word such as "seal"; error
 * texts say what is wrong at which path and what to do.  Nothing is called later than
 * key_register_destroy.
 */
struct key_keeper {
    void *arg;
    size_t (*list)(void *arg, struct key_held out[KEY_REGISTER_HELD_MAX]);
    /* Why keys of purpose cannot be changed (static); NULL: they can; *out_known: is it one at all. */
    const char *(*fixed)(void *arg, const char *purpose, bool *out_known);
    /* Make a file with a new key, durably, and hold it. */
    bool (*make)(void *arg, const char *purpose, uint32_t id, char *out_error, size_t error_size);
    /* Make with this key from now on. */
    void (*use)(void *arg, const char *purpose, uint32_t id);
    /* Forget the key; and delete its file, too, or log that somebody should. */
    bool (*drop)(void *arg, const char *purpose, uint32_t id, bool deletes, char *out_error,
                 size_t error_size);
    /* Log that a daemon made this key and the file is not here. */
    void (*miss)(void *arg, const char *purpose, uint32_t id);
};

/* Keeper is copied. */
struct key_register *key_register_create(struct domain *domain, const struct key_keeper *keeper);

/* The store has answered all that waits.  Takes NULL. */
void key_register_destroy(struct key_register *keys);

/* Hear all rows, by purpose and id; borrowed.  ok: the store could say. */
typedef void key_register_fn(void *arg, bool ok, const struct key_row *rows, size_t count);

/* Read without changing anything: before it is known whether this daemon may go on. */
void key_register_read(struct domain *domain, int64_t now_ms, key_register_fn *done, void *arg);

/*
 * Say what this daemon holds, put in force what all hold, make with the newest and drop
 * what is retired; then tell the rows.  At the start and when files changed.
 */
void key_register_settle(struct key_register *keys, int64_t now_ms, key_register_fn *done,
                         void *arg);

/* The same, for nobody to hear; and each minute, when there is a need. */
void key_register_follow(struct key_register *keys, int64_t now_ms);
void key_register_beat(struct key_register *keys, int64_t now_ms);

/* Hear that it was done; false: the store could not. */
typedef void key_register_done_fn(void *arg, bool ok);

/* Forget a row whose file is lost, so that a daemon may go on without. */
void key_register_forget(struct domain *domain, const char *purpose, uint32_t id,
                         key_register_done_fn *done, void *arg);

/* Say that this daemon stops, so that nobody waits for it.  It says nothing more afterwards. */
void key_register_leave(struct key_register *keys, key_register_done_fn *done, void *arg);

enum key_change {
    KEY_CHANGE_DONE = 0,
    KEY_CHANGE_UNKNOWN,     /* no such purpose, or no such key */
    KEY_CHANGE_FIXED,       /* keys of this purpose cannot be changed; why says why */
    KEY_CHANGE_AWAITED,     /* the last new key is not in force yet: lacking daemons lack id */
    KEY_CHANGE_TOO_MANY,    /* retire older ones first */
    KEY_CHANGE_FILE,        /* the file cannot be written; error says why */
    KEY_CHANGE_IN_USE,      /* it is the newest in force, or a daemon makes with it */
    KEY_CHANGE_NEEDED,      /* row_count rows are sealed under it */
    KEY_CHANGE_RECENT,      /* what it made is good for retry_s seconds more */
    KEY_CHANGE_UNAVAILABLE, /* the store could not */
    KEY_CHANGE_STORAGE_FULL
};

enum {
    KEY_CHANGE_ERROR_BYTES = 1024
};

struct key_change_outcome {
    enum key_change result;
    uint32_t id;
    bool in_force;
    int64_t lacking;
    int64_t row_count;
    int64_t retry_s;
    const char *why;                    /* static */
    char error[KEY_CHANGE_ERROR_BYTES]; /* FILE; or DONE, "" unless the file stayed */
};

/* Hear the outcome; borrowed.  Called exactly once, perhaps before the call returns. */
typedef void key_change_fn(void *arg, const struct key_change_outcome *outcome);

/* Make the next key of a purpose.  It is in force at once where no other daemon lacks it. */
void key_change_rotate(struct key_register *keys, const char *purpose, int64_t now_ms,
                       key_change_fn *done, void *arg);

/* Retire a key that nothing needs any more, and delete its file. */
void key_change_retire(struct key_register *keys, const char *purpose, uint32_t id, int64_t now_ms,
                       key_change_fn *done, void *arg);
