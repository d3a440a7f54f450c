/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test does to the rows behind the domain's back, in the words of the
 * engine that it runs on.  One trigger at a time.
 */
#pragma once

struct temp_domain;

/* Run a statement that each engine spells in its own way. */
void damage_run(struct temp_domain *temp, const char *sqlite, const char *postgres);

/* From now on each verb (INSERT or DELETE) on table breaks a constraint. */
enum damage {
    DAMAGE_INSERT_DEVICES = 0,
    DAMAGE_INSERT_SESSIONS,
    DAMAGE_DELETE_SESSIONS,
    DAMAGE_DELETE_MANIFESTS,
    DAMAGE_INSERT_GUESSES,
    DAMAGE_INSERT_GRANTS,
    DAMAGE_DELETE_GRANTS,
    DAMAGE_INSERT_ACCOUNT_LOG,
    DAMAGE_INSERT_RECOVERIES,
    DAMAGE_KEEP_NEWEST, /* a DELETE passes over the newest envelope, as if it were not there */
    DAMAGE_KEEP_OLDEST
};
void damage_break(struct temp_domain *temp, enum damage damage);

/* All is well again. */
void damage_mend(struct temp_domain *temp);
