/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon as a whole: creates every room's objects in order, connects them,
 * runs the loop, and destroys them in reverse.  The one place that knows
 * everybody.  Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "server/config/config.h"

struct app;

enum {
    APP_EXIT_OK = 0,
    APP_EXIT_USAGE = 64,    /* sysexits.h EX_USAGE: the command line is wrong */
    APP_EXIT_SOFTWARE = 70, /* EX_SOFTWARE: a library did not start */
    APP_EXIT_TEMPFAIL =
        75, /* EX_TEMPFAIL: the database cannot be reached now, or failed while running */
    APP_EXIT_CONFIG = 78, /* EX_CONFIG: configuration, files or addresses are wrong */
};

/* What the command line says beside the configuration, for this start alone. */
struct app_wishes {
    bool accept_lost_keys; /* go on without key files that the database was used with */
};

/*
 * Create the daemon up to its open listeners.  source is kept (borrowed) for
 * reloads, config is stolen: the caller's is zeroed.  NULL with a sentence in
 * out_error and the exit status in out_status.
 */
struct app *app_create(struct config *config, const struct config_source *source,
                       const struct app_wishes *wishes, int *out_status, char *out_error,
                       size_t error_size);

/*
 * Check what the configuration's files hold, beyond the configuration itself: certificate and
 * key.  False with a sentence in out_error that begins with where source names the file; true with one when something will soon be wrong.
 */
bool app_check_files(const struct config *config, const struct config_source *source,
                     char *out_error, size_t error_size);

/* Run until a signal says stop and all is drained; the exit status. */
int app_run(struct app *app);

/* Take everything down in reverse order.  Takes NULL. */
void app_destroy(struct app *app);
