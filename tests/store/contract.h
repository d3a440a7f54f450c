/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every engine of the store must do: tests written against
 * server/store/store.h alone.  Each engine has a program that says how to open
 * an empty store and calls contract_run.
 */
#pragma once

#include <stdbool.h>

struct loop;
struct store;

struct contract_engine {
    const char *name;
    void *arg;
    bool is_shared; /* what store_is_shared is to say */
    /* Open a migrated store with nothing of ours in it. */
    struct store *(*open)(void *arg, struct loop *loop);
    /* Open the same store again after store_destroy. */
    struct store *(*open_again)(void *arg, struct loop *loop);
    /* The store was destroyed; remove its data. */
    void (*remove)(void *arg);
};

/* Run all tests; returns what main returns. */
int contract_run(const struct contract_engine *engine);
