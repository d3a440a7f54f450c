/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of second factors, and what a transaction is for.  The numbers stand in
 * the database.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum factor_kind {
    FACTOR_CODE = 0,      /* six digits that the trusted devices show; nobody enrols it */
    FACTOR_TOTP,          /* RFC 6238 */
    FACTOR_RECOVERY_CODE, /* a set of them is one factor */
    FACTOR_KINDS          /* how many there are */
};

/* A set of kinds is a uint32_t with the bit 1 << kind for each. */

enum txn_purpose {
    TXN_LINK = 1,
    TXN_RECOVER,
    TXN_STEPUP, /* besides a signed command */
    TXN_VAULT
};

/* Their names on the wire.  Static. */
const char *factor_kind_text(enum factor_kind kind);
const char *txn_purpose_text(enum txn_purpose purpose);

/* Read a name; false when it is none. */
bool factor_kind_read(struct bytes text, enum factor_kind *out);
bool txn_purpose_read(struct bytes text, enum txn_purpose *out);

/*
 * The kinds that a transaction may use where enrolled are the account's.  Codes
 * show on every device, a stolen one among them: so what a command needs besides
 * is no code where something better is enrolled.
 */
uint32_t factor_kinds_of(enum txn_purpose purpose, uint32_t enrolled);
