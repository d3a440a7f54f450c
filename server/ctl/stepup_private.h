/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of stepup know of each other: a transaction under way, and its challenges. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "server/ctl/exit_code.h"

struct device;

enum {
    STEPUP_ID_ROOM = 24 /* letters of an id of 16 bytes, and a NUL */
};

struct stepup {
    struct device *device;
    const char *kind;     /* as the relay calls it */
    const char *question; /* what is asked for */
    const char *given;    /* of --code, or NULL */
    char txn_id[STEPUP_ID_ROOM];
};

/* A challenge that can be answered. */
struct stepup_challenge {
    char id[STEPUP_ID_ROOM];
    json_t *answer; /* what the relay gave with it; to be decref'd */
};

/* Start a challenge; body is stolen.  Fills *out for EXIT_CODE_OK alone. */
enum exit_code stepup_challenge(const struct stepup *stepup, json_t *body,
                                struct stepup_challenge *out);

/*
 * Answer a challenge.  Returns true when that is the end, right or not, and *out_code says how;
 * *out_grant, a text, is the caller's to decref for EXIT_CODE_OK.  False: it was wrong, and may
 * be answered again.
 */
bool stepup_answer(const struct stepup *stepup, const char *challenge_id, const char *text,
                   json_t **out_grant, enum exit_code *out_code);

/* Have a grant by the password (stepup_password.c). */
enum exit_code stepup_by_password(const struct stepup *stepup, json_t **out_grant);
