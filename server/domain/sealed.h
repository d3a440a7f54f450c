/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed columns of the database (common/seal.h), each in one list: so whatever is
 * sealed is also counted, and sealed again when the key is changed (reseal.h).  A row is
 * named by its primary key, a byte string.  Pure; any thread.
 */
#pragma once

#include "common/bytes.h"
#include "common/seal.h"

enum sealed_column {
    SEALED_FACTOR_SECRET = 0, /* factors.secret, of whatever kind */
    SEALED_CODE,              /* txn_challenges.code, for the devices to show */
    SEALED_BINDING,           /* handles.binding, as its owner signed it */
    SEALED_SHARE,             /* recovery_contacts.share, the relay's of a recovery seed */
    SEALED_COLUMNS            /* how many there are */
};

enum {
    SEALED_ROW_KEY_BYTES = 32 /* the longest primary key of these tables */
};

/* The place of the value in the row whose primary key is row; borrowed. */
struct seal_place sealed_place(enum sealed_column column, struct bytes row);
