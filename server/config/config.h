/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: options.def read from, in rising order, the defaults, a
 * file (libconfuse syntax: name = value), the environment (SEALPOST_NAME, or
 * SEALPOST_NAME_FILE naming a file that holds the value) and --set name=value.
 * A struct config is plain values and is checked as a whole before it is given out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum {
    CONFIG_ERROR_BYTES = 512
};

struct config {
#define TEXT(name, dflt, reload, help) char *name;
#define INT(name, unit, dflt, min, max, reload, help) int64_t name;
#define FLAG(name, dflt, reload, help) bool name;
#define CHOICE(name, choices, dflt, reload, help) int name;
#include "server/config/options.def"
#undef TEXT
#undef INT
#undef FLAG
#undef CHOICE
};

/* Index of each choice, in the order of options.def. */
enum {
    REGISTRATION_CLOSED = 0,
    REGISTRATION_INVITE,
    REGISTRATION_OPEN
};
enum {
    BUCKETS_OFF = 0,
    BUCKETS_ADVISE,
    BUCKETS_ENFORCE
};
enum {
    OVERFLOW_REJECT = 0,
    OVERFLOW_DROP_OLDEST
};

enum {
    VERIFICATION_DISCOURAGED = 0,
    VERIFICATION_PREFERRED,
    VERIFICATION_REQUIRED
};

/* Bits, so that both is both. */
enum {
    PROXY_PROTOCOL_OFF = 0,
    PROXY_PROTOCOL_LISTEN,
    PROXY_PROTOCOL_TLS_LISTEN,
    PROXY_PROTOCOL_BOTH
};

struct config_source {
    const char *path;        /* file, or NULL for none */
    const char *const *sets; /* "name=value" texts of --set */
    size_t set_count;
    char **environment; /* usually environ */
};

/*
 * Read and check everything.  False with a sentence in out_error that names the
 * file and line (or the variable, or --set), what is wrong, and for an unknown
 * name the nearest known one.  Opens nothing for writing.  The texts of *out are
 * never NULL; admin_socket, key_dir, webauthn_rp_id and webauthn_origins have their derived
 * defaults filled in.
 */
bool config_read(const struct config_source *source, struct config *out, char *out_error,
                 size_t error_size);

/* Release the texts.  May be called twice. */
void config_clear(struct config *config);

/* Append every option as "name = value  # origin" lines that config_read would take. */
void config_print(const struct config *config, const struct config_source *source, struct buf *out);

/* Append the commented default file: what deploy/sealpost.conf holds. */
void config_print_default(struct buf *out);

/*
 * Append where the value of the option called name comes from: "FILE:LINE", a variable's name,
 * "--set" or "default".  source is read anew for it.
 */
void config_origin(const struct config_source *source, const char *name, struct buf *out);

/* What an option was and is: as --print-config shows it, so passwords are ***. */
struct config_change {
    const char *name;
    const char *old;
    const char *fresh; /* the same as old when only what is not shown differs */
    bool reloadable;   /* it can be applied without a restart */
};

/* Call tell once for each option that differs; the change is borrowed until it returns. */
typedef void config_change_fn(void *arg, const struct config_change *change);
void config_compare(const struct config *old, const struct config *fresh, config_change_fn *tell,
                    void *arg);

/*
 * Make *out what config_apply would make of running, and check it as a whole: a value that goes
 * with what a restart brings may not go with what runs.  False with a sentence as that of
 * config_read, and nothing in *out.
 */
bool config_next(const struct config *running, const struct config *fresh,
                 const struct config_source *source, struct config *out, char *out_error,
                 size_t error_size);

/* Give the reloadable values of fresh to running.  Steals nothing; copies texts. */
void config_apply(struct config *running, const struct config *fresh);
