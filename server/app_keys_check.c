/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the key directory is held against what the database knows before anything is
 * made with it, at the start and whenever the operator says that files have changed.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/app_keys.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/config/fault.h"
#include "server/config/keyring.h"
#include "server/domain/domain.h"
#include "server/domain/key_register.h"
#include "server/domain/reseal.h"

enum {
    TURN_MS = 1000
};

/* What was asked of the register while nothing else runs, and its rows. */
struct asked {
    bool done, ok;
    struct key_row *rows;
    size_t count;
};

static void on_asked(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct asked *asked = arg;

    asked->done = true;
    asked->ok = ok;
    asked->count = ok ? count : 0;
    asked->rows = mem_zeroed(asked->count + 1, sizeof *asked->rows);
    if (asked->count > 0) {
        memcpy(asked->rows, rows, count * sizeof *rows);
    }
}

static void on_done(void *arg, bool ok)
{
    struct asked *asked = arg;

    asked->done = true;
    asked->ok = ok;
}

static bool wait_for(struct app *app, const struct asked *asked)
{
    while (!asked->done) {
        loop_turn(app->loop, TURN_MS);
    }
    return asked->ok;
}

static bool wait_or_say(struct app *app, const struct asked *asked, const struct fault *fault)
{
    return wait_for(app, asked) ||
           fault_say(fault, "the database cannot be read or written: see the lines above");
}

static const struct key_held *find_held(const struct key_held *held, size_t count,
                                        const struct key_row *row)
{
    for (size_t i = 0; i < count; i++) {
        if (held[i].id == row->id && strcmp(held[i].purpose, row->purpose) == 0) {
            return &held[i];
        }
    }
    return NULL;
}

/* Say what is wrong with what stands in the folder for a row; true: nothing. */
static bool row_is_met(const struct app *app, const struct key_row *row,
                       const struct key_held *held, const struct fault *fault)
{
    const struct app_key_path path = app_keys_path(app, row->purpose, row->id);
    enum keyring_purpose purpose;

    if (row->state == KEY_RETIRED || !keyring_purpose_of(row->purpose, &purpose)) {
        return true;
    }
    if (held == NULL) {
        return row->state == KEY_AWAITED ||
               fault_say(fault,
                         "%s: is missing, and this database was used with it; put it back from your"
                         " copy of the keys, or from a daemon that runs on this database. If it is"
                         " lost for good, start once with --accept-lost-keys: what was made with it"
                         " stays unreadable",
                         path.text);
    }
    return memcmp(held->fingerprint, row->fingerprint, sizeof row->fingerprint) == 0 ||
           fault_say(fault,
                     "%s: is another key than the one that this database is used with; put the"
                     " right one there, from your copy of the keys or from a daemon that runs on"
                     " this database. If it is lost for good, start once with --accept-lost-keys:"
                     " what was made with it stays unreadable",
                     path.text);
}

/* A key that was never used, of a purpose whose keys cannot be changed. */
static bool is_no_change(const struct app *app, const struct key_held *held,
                         const struct key_row *rows, size_t row_count, const struct fault *fault)
{
    const struct app_key_path path = app_keys_path(app, held->purpose, held->id);
    enum keyring_purpose purpose;
    bool others = false;

    CHECK(keyring_purpose_of(held->purpose, &purpose));
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].purpose, held->purpose) != 0) {
            continue;
        }
        if (rows[i].id == held->id) {
            return true;
        }
        others = true;
    }
    return !others || keyring_why_fixed(purpose) == NULL ||
           fault_say(fault, "%s: a new key of this kind cannot be taken up (%s); take it away",
                     path.text, keyring_why_fixed(purpose));
}

static bool files_are_fit(const struct app *app, const struct key_row *rows, size_t row_count,
                          const struct fault *fault)
{
    struct key_held held[KEY_REGISTER_HELD_MAX];
    size_t count = app_keys_list(app, held);

    if (count == KEY_REGISTER_HELD_MAX) {
        return fault_say(fault, "%s: has too many key files; take away those that are retired",
                         app->config.key_dir);
    }
    for (size_t i = 0; i < row_count; i++) {
        if (!row_is_met(app, &rows[i], find_held(held, count, &rows[i]), fault)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_no_change(app, &held[i], rows, row_count, fault)) {
            return false;
        }
    }
    return true;
}

/* Go on without what is lost, at the operator's word. */
static bool forget_lost(struct app *app, struct asked *asked, const struct fault *fault)
{
    struct key_held held[KEY_REGISTER_HELD_MAX];
    size_t count = app_keys_list(app, held);
    char unheard[CONFIG_ERROR_BYTES];
    struct fault why;

    for (size_t i = 0; i < asked->count; i++) {
        struct key_row *row = &asked->rows[i];
        struct asked forgotten = { .done = false };
        fault_init(&why, unheard, sizeof unheard);
        if (row_is_met(app, row, find_held(held, count, row), &why)) {
            continue;
        }
        key_register_forget(&app->domain, row->purpose, row->id, on_done, &forgotten);
        if (!wait_or_say(app, &forgotten, fault)) {
            return false;
        }
        log_warn("key.lost", "purpose=%s id=%" PRIu32 " effect=\"what was made with it is lost\"",
                 row->purpose, row->id);
        row->state = KEY_RETIRED; /* so that its id is not given again */
    }
    return true;
}

/* The highest id that the database knows of a purpose; 0: none. */
static uint32_t last_id(const struct asked *asked, enum keyring_purpose purpose)
{
    uint32_t last = 0;

    for (size_t i = 0; i < asked->count; i++) {
        const struct key_row *row = &asked->rows[i];
        if (strcmp(row->purpose, keyring_word(purpose)) == 0 && row->id > last) {
            last = row->id;
        }
    }
    return last;
}

/* Make what was never there; an id above all that ever were. */
static bool make_missing(struct app *app, const struct asked *asked, char *out_error,
                         size_t error_size)
{
    uint8_t secret[KEYRING_KEY_BYTES];
    bool good = true;

    for (int i = 0; i < KEYRING_PURPOSES && good; i++) {
        enum keyring_purpose purpose = (enum keyring_purpose)i;
        uint32_t id = 0;
        if (!keyring_next(app->keyring, purpose, 0, &id, secret)) {
            good = keyring_make(app->keyring, app->config.key_dir, purpose,
                                last_id(asked, purpose) + 1, out_error, error_size);
        }
    }
    mem_wipe(secret, sizeof secret);
    return good;
}

bool app_keys_open(struct app *app, char *out_error, size_t error_size)
{
    app->keyring = keyring_read(app->config.key_dir, true, out_error, error_size);
    return app->keyring != NULL;
}

bool app_keys_check(struct app *app, char *out_error, size_t error_size)
{
    struct asked asked = { .done = false };
    struct fault fault;
    bool good = false;

    fault_init(&fault, out_error, error_size);
    key_register_read(&app->domain, clock_now_ms(), on_asked, &asked);
    good = wait_or_say(app, &asked, &fault) &&
           (!app->accept_lost_keys || forget_lost(app, &asked, &fault)) &&
           files_are_fit(app, asked.rows, asked.count, &fault) &&
           make_missing(app, &asked, out_error, error_size);
    free(asked.rows);
    return good;
}

/* Only then something may stand under another key than the one that seals. */
static bool has_older_seal_key(const struct app *app)
{
    uint8_t secret[KEYRING_KEY_BYTES];
    uint32_t id = 0;
    bool more = keyring_next(app->keyring, KEYRING_SEAL, 0, &id, secret) &&
                keyring_next(app->keyring, KEYRING_SEAL, id, &id, secret);

    mem_wipe(secret, sizeof secret);
    return more;
}

bool app_keys_begin(struct app *app, char *out_error, size_t error_size)
{
    const struct key_keeper keeper = app_keys_keeper(app);
    struct asked asked = { .done = false };
    struct fault fault;
    bool good = false;

    fault_init(&fault, out_error, error_size);
    app->domain.key_register = key_register_create(&app->domain, &keeper);
    key_register_settle(app->domain.key_register, clock_now_ms(), on_asked, &asked);
    /* Another daemon may have been first with keys of its own. */
    good = wait_or_say(app, &asked, &fault) && files_are_fit(app, asked.rows, asked.count, &fault);
    free(asked.rows);
    if (!good) {
        return false;
    }
    app->domain.reseal = reseal_create(&app->domain);
    if (app->accept_lost_keys || has_older_seal_key(app)) {
        reseal_begin(app->domain.reseal);
    }
    return true;
}

void app_keys_beat(struct app *app)
{
    key_register_beat(app->domain.key_register, clock_now_ms());
    reseal_go_on(app->domain.reseal);
}

/* Put a key into the ring that is not there, or in place of one that nothing is made with: two
 * daemons may have made one of the same id at once, and the register took the other's. */
static void take_key(struct app *app, enum keyring_purpose purpose, uint32_t id,
                     const uint8_t secret[KEYRING_KEY_BYTES])
{
    uint8_t ours[KEYRING_KEY_BYTES];
    bool is_held = keyring_find(app->keyring, purpose, id, ours);

    if (is_held && app->keys_used[purpose] != id && !crypto_equal(ours, secret, sizeof ours)) {
        app_keys_forget(app, purpose, id);
        is_held = false;
    }
    if (!is_held) {
        keyring_put(app->keyring, purpose, id, secret);
        log_info("key.found", "purpose=%s id=%" PRIu32, keyring_word(purpose), id);
    }
    mem_wipe(ours, sizeof ours);
}

static void refuse(const char *why)
{
    log_error("key.refused", "reason=%s effect=\"the old keys stay\"",
              log_quote(bytes_text(why)).text);
}

/* Put the keys of fresh that are new into the ring. */
static void take_new(struct app *app, const struct keyring *fresh)
{
    uint8_t secret[KEYRING_KEY_BYTES];

    for (int i = 0; i < KEYRING_PURPOSES; i++) {
        uint32_t id = 0;
        while (keyring_next(fresh, (enum keyring_purpose)i, id, &id, secret)) {
            take_key(app, (enum keyring_purpose)i, id, secret);
        }
    }
    mem_wipe(secret, sizeof secret);
}

static void on_reloaded(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct app *app = arg;

    (void)rows;
    (void)count;
    if (ok) {
        reseal_begin(app->domain.reseal);
    }
}

/* The register's rows and a fresh look at the folder: is all of it fit? */
struct reload {
    struct app *app;
    struct keyring *fresh;
};

static void on_reload_read(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct reload *reload = arg;
    struct app *app = reload->app;
    struct keyring *ours = app->keyring;
    char error[CONFIG_ERROR_BYTES] = "the database cannot be read";
    struct fault fault;

    if (ok) {
        fault_init(&fault, error, sizeof error);
        app->keyring = reload->fresh;
        ok = files_are_fit(app, rows, count, &fault);
        app->keyring = ours;
    }
    if (ok) {
        take_new(app, reload->fresh);
        app_keys_take_up(app);
        key_register_settle(app->domain.key_register, clock_now_ms(), on_reloaded, app);
    } else {
        refuse(error);
    }
    keyring_destroy(reload->fresh);
    free(reload);
}

void app_keys_reload(struct app *app)
{
    char error[CONFIG_ERROR_BYTES];
    struct keyring *fresh = keyring_read(app->config.key_dir, false, error, sizeof error);
    struct reload *reload = NULL;

    if (fresh == NULL) {
        refuse(error);
        return;
    }
    reload = mem_zeroed(1, sizeof *reload);
    reload->app = app;
    reload->fresh = fresh;
    key_register_read(&app->domain, clock_now_ms(), on_reload_read, reload);
}

void app_keys_leave(struct app *app)
{
    struct asked left = { .done = false };

    if (app->domain.key_register != NULL) {
        key_register_leave(app->domain.key_register, on_done, &left);
        (void)wait_for(app, &left); /* else it is forgotten after a while, as one that died */
    }
}
