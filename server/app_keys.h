/* SPDX-License-Identifier: Apache-2.0 */
/* What app_keys.c and app_keys_check.c share; what the rest of the app calls is in app_private.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "server/config/keyring.h"
#include "server/domain/key_register.h"

struct app;

enum {
    APP_KEY_PATH_BYTES = 4096
};

/* The path of a key's file, for people. */
struct app_key_path {
    char text[APP_KEY_PATH_BYTES];
};
struct app_key_path app_keys_path(const struct app *app, const char *purpose, uint32_t id);

/* List what the ring holds. */
size_t app_keys_list(const struct app *app, struct key_held out[KEY_REGISTER_HELD_MAX]);

/* What was added to the ring is good from now on. */
void app_keys_take_up(struct app *app);

/* Wipe a key that nothing is made with. */
void app_keys_forget(struct app *app, enum keyring_purpose purpose, uint32_t id);

/* What the register calls. */
struct key_keeper app_keys_keeper(struct app *app);
