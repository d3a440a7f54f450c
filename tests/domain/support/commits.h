/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits of MLS groups as tests make them: device 1 commits to the devices 2 and
 * 3, and welcomes device 4.  Each step runs the loop until its answer is there,
 * unless it says "start".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "server/domain/envelopes.h"
#include "server/domain/mls_groups.h"
#include "tests/domain/support/temp_domain.h"

/* The domain of the test under way; for cmocka: open and close it. */
extern struct temp_domain commits_temp;
int commits_set_up(void **state);
int commits_tear_down(void **state);

/* Write a PrivateMessage of a group whose id is name to out; letter makes it another one. */
void commits_message(struct buf *out, const char *name, uint64_t epoch, uint8_t content_type,
                     char letter);

struct heard_commit {
    bool done;
    enum mls_result result;
    int64_t epoch;
    int64_t last_seq;
    int retry_s;
    const char *member;
    enum envelope_result sent;
    size_t stored, duplicates, full, unknown;
};
void commits_hear(void *arg, const struct mls_outcome *outcome);

struct commit_attempt {
    const char *group;
    uint64_t epoch;
    char letter;
    bool welcomed; /* with a Welcome to 4 */
    bool alone;    /* to nobody */
};
void commits_start(struct temp_domain *by, const struct commit_attempt *attempt, int64_t now_ms,
                   struct heard_commit *heard);
struct heard_commit commits_make_at(const struct commit_attempt *attempt, int64_t now_ms);
struct heard_commit commits_make(const char *group, uint64_t epoch, char letter);

/* Put the epoch of "group" by a command of device n: digest is of the commit to undo, or NULL. */
struct heard_commit commits_reset_with(uint32_t n, int64_t epoch, const uint8_t *digest,
                                       int64_t seq);
struct heard_commit commits_reset_by(uint32_t n, int64_t epoch);

/* Assert that it was taken: the group is at epoch, and so many copies are new. */
void commits_is_taken(const struct heard_commit *heard, int64_t epoch, size_t stored);
