/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that tests of accounts take again and again: register a person, put a
 * manifest, begin a session, listen as a device.  Unless it says "start", a step
 * runs the loop until its answer is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "server/domain/accounts.h"
#include "server/domain/hub.h"
#include "server/domain/manifests.h"
#include "server/domain/sessions.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/people.h"

#define SCENE_NOW_MS TEMP_DOMAIN_NOW_MS
#define SCENE_DAY (SCENE_NOW_MS / DOMAIN_DAY_MS)

struct heard_account {
    bool done;
    struct accounts_outcome outcome;
};
void scene_hear_account(void *arg, const struct accounts_outcome *outcome);

/* Register with an invite, "" for none; or expect that it is done. */
struct accounts_outcome scene_register_with(struct temp_domain *temp, const struct person *person,
                                            const char *invite);
void scene_register(struct temp_domain *temp, const struct person *person);

struct heard_put {
    bool done;
    struct manifests_outcome outcome;
    struct buf head; /* a copy of the outcome's: clear it */
};

/* Put the person's head where it belongs. */
void scene_put_start(struct temp_domain *temp, const struct person *person,
                     struct heard_put *heard);
enum manifests_result scene_put(struct temp_domain *temp, const struct person *person);

struct heard_begin {
    bool done;
    enum sessions_result result;
    struct sessions_begun begun;
};
void scene_hear_begin(void *arg, enum sessions_result result, const struct sessions_begun *begun);

/* Make a good proof by a device, on a fresh challenge; try a proof at now_ms. */
void scene_prove(struct temp_domain *temp, const struct person *person,
                 const struct person_device *device, struct sessions_proof *out);
struct heard_begin scene_try(struct temp_domain *temp, const struct sessions_proof *proof,
                             int64_t now_ms);

/* Begin a session of a device and return the hash that names it. */
struct session_hash scene_begin(struct temp_domain *temp, struct person *person,
                                uint32_t device_id);

/* Ask the store whether a session is live at now_ms; *out is filled when it is, and not NULL. */
bool scene_is_live(struct temp_domain *temp, const struct session_hash *hash, int64_t now_ms,
                   struct session *out);

/* Return the one number that a statement yields; sql is a literal. */
int64_t scene_count(struct temp_domain *temp, const char *sql);

/* Run a statement that changes rows behind the domain's back; sql is a literal. */
void scene_run(struct temp_domain *temp, const char *sql);

/* Load the mailbox of a device; NULL when there is none. */
struct mailbox *scene_mailbox(struct temp_domain *temp, const struct device_pub *pub);

/* How many rows one step of a purge took. */
struct heard_purge {
    bool done;
    size_t row_count;
};
void scene_hear_purge(void *arg, size_t row_count);

/* A stream that remembers what it hears, and leaves when it is ended. */
struct scene_stream {
    struct hub *hub;
    struct hub_stream *stream; /* NULL once it has left */
    int event_count;
    struct hub_event event; /* the last one */
    int end_count;
    enum hub_end end;
    int events_before_end;
};
void scene_listen(struct temp_domain *temp, const struct device_pub *pub,
                  const struct session_hash *hash, struct scene_stream *out);
void scene_leave(struct scene_stream *stream);
