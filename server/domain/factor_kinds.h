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
    FACTOR_PASSWORD, /* OPAQUE, RFC 9807: one an account; its challenge is KE2, its answer KE3 */
    FACTOR_WEBAUTHN, /* an authenticator: a security key, a passkey */
    FACTOR_KINDS     /* how many there are */
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

/* What of a kind is a guess, which is counted for the account over all kinds. */
enum factor_guesses {
    FACTOR_GUESSED_BY_ANSWER = 0,
    FACTOR_GUESSED_BY_CHALLENGE, /* whoever has it knows from it whether he was right */
    FACTOR_NOT_GUESSED
};

/* How its challenges are limited. */
struct factor_rules {
    enum factor_guesses guesses;
    int64_t tries;   /* answers to a challenge */
    int64_t life_s;  /* of a challenge; its transaction may end before */
    int64_t started; /* challenges of an account in each span_s */
    int64_t span_s;
};

/* The rules of a kind.  Static. */
const struct factor_rules *factor_rules_of(enum factor_kind kind);

/*
 * The kinds that a transaction may use where enrolled are the account's.  Codes
 * show on every device, a stolen one among them: so what a command needs besides
 * is no code where something better is enrolled.
 */
uint32_t factor_kinds_of(enum txn_purpose purpose, uint32_t enrolled);
