/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon does with key files for the register (domain/key_register.h): list, make,
 * use, drop.  Keys of purposes that cannot be changed are derived once, in app.c.
 */
#include "server/app_keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/seal.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/config/keyring.h"
#include "server/domain/domain.h"
#include "server/domain/key_register.h"
#include "server/domain/passwords.h"
#include "server/domain/reseal.h"

static_assert((int)KEY_FINGERPRINT_BYTES == (int)KEYRING_FINGERPRINT_BYTES, "the same");
static_assert((int)KEY_PURPOSE_BYTES == (int)KEYRING_PURPOSE_BYTES, "the same");

struct app_key_path app_keys_path(const struct app *app, const char *purpose, uint32_t id)
{
    struct app_key_path path;

    (void)snprintf(path.text, sizeof path.text, "%s/%s-%" PRIu32 ".key", app->config.key_dir,
                   purpose, id);
    return path;
}

size_t app_keys_list(const struct app *app, struct key_held out[KEY_REGISTER_HELD_MAX])
{
    uint8_t secret[KEYRING_KEY_BYTES];
    size_t count = 0;

    for (int i = 0; i < KEYRING_PURPOSES; i++) {
        enum keyring_purpose purpose = (enum keyring_purpose)i;
        uint32_t id = 0;
        while (count < KEY_REGISTER_HELD_MAX &&
               keyring_next(app->keyring, purpose, id, &id, secret)) {
            struct key_held *held = &out[count];
            memset(held, 0, sizeof *held);
            (void)snprintf(held->purpose, sizeof held->purpose, "%s", keyring_word(purpose));
            held->id = id;
            held->is_used = app->keys_used[purpose] == id;
            keyring_fingerprint(app->keyring, purpose, id, held->fingerprint);
            count++;
        }
    }
    mem_wipe(secret, sizeof secret);
    return count;
}

static size_t list_held(void *arg, struct key_held out[KEY_REGISTER_HELD_MAX])
{
    return app_keys_list(arg, out);
}

static const char *why_fixed(void *arg, const char *word, bool *out_known)
{
    enum keyring_purpose purpose;

    (void)arg;
    *out_known = keyring_purpose_of(word, &purpose);
    return *out_known ? keyring_why_fixed(purpose) : NULL;
}

static void derive_challenge(const uint8_t secret[KEYRING_KEY_BYTES], uint8_t out[32])
{
    crypto_hkdf(bytes_of(secret, KEYRING_KEY_BYTES), bytes_text("sealpost/challenge-key/1"), out,
                32);
}

/* The one that makes, then the others, the oldest first; what is made is good for a minute. */
static void derive_challenges(struct app *app)
{
    struct domain_keys *keys = &app->domain.keys;
    uint8_t secret[KEYRING_KEY_BYTES];
    uint32_t used = app->keys_used[KEYRING_CHALLENGE];
    uint32_t id = 0;

    keys->other_challenge_count = 0;
    mem_wipe(keys->other_challenges, sizeof keys->other_challenges);
    if (used == 0) {
        keyring_current(app->keyring, KEYRING_CHALLENGE, &used, secret);
    }
    while (keyring_next(app->keyring, KEYRING_CHALLENGE, id, &id, secret)) {
        if (id == used) {
            derive_challenge(secret, keys->challenge);
        } else if (keys->other_challenge_count < DOMAIN_OTHER_CHALLENGE_KEYS) {
            derive_challenge(secret, keys->other_challenges[keys->other_challenge_count]);
            keys->other_challenge_count++;
        }
    }
    mem_wipe(secret, sizeof secret);
}

/* Have the master keys of the ring in the seal. */
static void add_seal_keys(struct app *app)
{
    uint8_t secret[KEYRING_KEY_BYTES];
    uint32_t id = 0;

    while (keyring_next(app->keyring, KEYRING_SEAL, id, &id, secret)) {
        if (!seal_has_key(app->domain.seal, id)) {
            seal_add_key(app->domain.seal, id, secret);
        }
    }
    mem_wipe(secret, sizeof secret);
}

static void add_password_keys(struct app *app)
{
    uint8_t secret[KEYRING_KEY_BYTES];
    uint32_t id = 0;

    while (keyring_next(app->keyring, KEYRING_OPAQUE, id, &id, secret)) {
        passwords_add_key(app->domain.passwords, id, secret);
    }
    mem_wipe(secret, sizeof secret);
}

void app_keys_derive(struct app *app)
{
    derive_challenges(app);
    app->domain.seal = seal_create();
    add_seal_keys(app);
    app->domain.passwords = passwords_create();
    add_password_keys(app);
}

void app_keys_take_up(struct app *app)
{
    add_seal_keys(app);
    derive_challenges(app);
}

static bool make_key(void *arg, const char *word, uint32_t id, char *out_error, size_t error_size)
{
    struct app *app = arg;
    enum keyring_purpose purpose;

    CHECK(keyring_purpose_of(word, &purpose));
    if (!keyring_make(app->keyring, app->config.key_dir, purpose, id, out_error, error_size)) {
        return false;
    }
    app_keys_take_up(app);
    return true;
}

static void use_key(void *arg, const char *word, uint32_t id)
{
    struct app *app = arg;
    enum keyring_purpose purpose;

    CHECK(keyring_purpose_of(word, &purpose));
    if (app->keys_used[purpose] != 0) {
        log_info("key.used", "purpose=%s id=%" PRIu32, word, id);
    }
    app->keys_used[purpose] = id;
    if (purpose == KEYRING_SEAL) {
        seal_use(app->domain.seal, id);
        if (app->domain.reseal != NULL) {
            reseal_begin(app->domain.reseal);
        }
    } else if (purpose == KEYRING_CHALLENGE) {
        derive_challenges(app);
    }
}

void app_keys_forget(struct app *app, enum keyring_purpose purpose, uint32_t id)
{
    keyring_drop(app->keyring, purpose, id);
    if (purpose == KEYRING_SEAL) {
        seal_drop_key(app->domain.seal, id);
    } else if (purpose == KEYRING_CHALLENGE) {
        derive_challenges(app);
    }
}

static bool drop_key(void *arg, const char *word, uint32_t id, bool deletes, char *out_error,
                     size_t error_size)
{
    struct app *app = arg;
    const struct app_key_path path = app_keys_path(app, word, id);
    enum keyring_purpose purpose;
    uint8_t secret[KEYRING_KEY_BYTES];
    bool is_held = false;

    CHECK(keyring_purpose_of(word, &purpose));
    is_held = keyring_find(app->keyring, purpose, id, secret);
    mem_wipe(secret, sizeof secret);
    if (app->keys_used[purpose] == 0 || app->keys_used[purpose] == id) {
        (void)snprintf(out_error, error_size, "%s: is in use", path.text);
        return false;
    }
    app_keys_forget(app, purpose, id);
    if (!deletes && is_held) {
        log_warn("key.retired", "file=%s why=\"nothing needs it any more; delete it\"",
                 log_quote(bytes_text(path.text)).text);
    }
    if (!deletes) {
        return true;
    }
    return keyring_delete_file(app->config.key_dir, purpose, id, out_error, error_size);
}

static void miss_key(void *arg, const char *word, uint32_t id)
{
    const struct app *app = arg;
    const struct app_key_path path = app_keys_path(app, word, id);

    log_warn("key.missing",
             "file=%s why=\"a daemon on this database has it: copy it here with mode 0400, then"
             " reload; until all have it nothing is made with it\"",
             log_quote(bytes_text(path.text)).text);
}

struct key_keeper app_keys_keeper(struct app *app)
{
    return (struct key_keeper){ .arg = app,
                                .list = list_held,
                                .fixed = why_fixed,
                                .make = make_key,
                                .use = use_key,
                                .drop = drop_key,
                                .miss = miss_key };
}

void app_keys_destroy(struct app *app)
{
    key_register_destroy(app->domain.key_register);
    reseal_destroy(app->domain.reseal);
    passwords_destroy(app->domain.passwords);
    seal_destroy(app->domain.seal);
    keyring_destroy(app->keyring);
}
