/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second factors that an account has enrolled: apps that count codes (totp) and
 * authenticators (webauthn), up to LIMIT_FACTORS of each, one password, and one set of
 * recovery codes.  What needs something of the client is pending until it confirms it:
 *
 *   totp      enrol -> secret                       confirm by a first code
 *   password  enrol by a request -> response        confirm by a record; ends the one that was
 *   webauthn  enrol -> challenge, ids to exclude    confirm by what the authenticator attested
 *
 * and forgotten when none does.  All changes are signed commands
 * of an ADMIN device (any, where none is); where a factor is confirmed already, each
 * needs a step-up besides, by another kind than a code: a stolen device could else enrol
 * an app of its own, or read the code, and step up by that.  The database has
 *
 *   totp           the secret, sealed (factor_secret.h), and the step of the last code
 *   recovery_code  of each code HMAC-SHA256(keys.index, ...), see common/recovery_code.h
 *   password       the client's record, sealed (passwords.h)
 *   webauthn       the credential, sealed, and its counter (authenticators.h)
 *
 * and labels as the client encrypted them.  A set whose codes are used up stays in the
 * list, and is no factor.
 *
 *   factors.c  lists, purge     factors_enrol.c     factors_confirm.c     factors_remove.c
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/webauthn.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"

struct factors_row;

enum factors_result {
    FACTORS_DONE = 0,
    FACTORS_REPLAYED,     /* the command's seq is not above last_seq */
    FACTORS_NOT_ADMIN,    /* only an ADMIN device may */
    FACTORS_STEPUP,       /* a factor is enrolled: a step-up grant is needed, or it is not good */
    FACTORS_TOO_MANY,     /* enrol: LIMIT_FACTORS of that kind are there */
    FACTORS_UNKNOWN,      /* confirm, remove: the account has no such factor, or it is confirmed */
    FACTORS_MALFORMED,    /* confirm: the proof is of another kind */
    FACTORS_WRONG,        /* confirm: the code is not of now; the attestation, `why` */
    FACTORS_KNOWN,        /* confirm: the account has that authenticator */
    FACTORS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    FACTORS_STORAGE_FULL, /* the disk is full */
};

struct factors_outcome {
    enum factors_result result;
    struct factor_id factor_id;                     /* enrol */
    const uint8_t *secret;                          /* enrol of totp: TOTP_SECRET_BYTES */
    const struct recovery_code *codes;              /* enrol of codes: RECOVERY_CODE_COUNT */
    const uint8_t *response;                        /* enrol of a password: OPAQUE_RESPONSE_BYTES */
    const struct authenticators_creation *creation; /* enrol of an authenticator */
    enum webauthn_result why;                       /* confirm of an authenticator */
    int64_t last_seq;
};

/* outcome is borrowed until return, and wiped then. */
typedef void factors_done_fn(void *arg, const struct factors_outcome *outcome);

/* By what a pending factor is confirmed. */
struct factors_proof {
    enum factor_kind kind;    /* which of these it is */
    uint32_t code;            /* totp */
    const uint8_t *record;    /* password: OPAQUE_RECORD_BYTES, which opaque_record_is_valid */
    struct bytes client_data; /* webauthn */
    struct bytes auth_data;
};

/* What is wanted by whom, by which command; all of it is copied. */
struct factors_order {
    int64_t account;
    struct account_id account_id;
    uint32_t device_id;
    const struct command_guard *guard;
    const struct grant *grant;         /* enrol, remove; NULL: none was given */
    enum factor_kind kind;             /* enrol: not FACTOR_CODE */
    struct bytes label;                /* enrol; at most LIMIT_FACTOR_LABEL_BYTES */
    const uint8_t *request;            /* enrol of a password: valid, OPAQUE_REQUEST_BYTES */
    struct factor_id factor_id;        /* confirm, remove */
    const struct factors_proof *proof; /* confirm */
};

/* Enrol a factor, which is pending then; recovery codes take the place of those that were. */
void factors_enrol(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                   factors_done_fn *done, void *arg);

/*
 * Confirm a pending factor.  Where another factor was confirmed since it was enrolled
 * without a step-up, that is FACTORS_STEPUP: enrol it anew.
 */
void factors_confirm(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                     factors_done_fn *done, void *arg);

/* Remove a factor, pending or not. */
void factors_remove(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                    factors_done_fn *done, void *arg);

enum {
    FACTORS_LIST_MAX = 3 * LIMIT_FACTORS + 1
};

struct factors_view {
    struct factor_id factor_id;
    enum factor_kind kind;
    bool is_confirmed;
    struct bytes label;
    int64_t created_at;
    int64_t codes_left; /* of recovery codes */
};

/* What is shown of a row; its label is borrowed. */
void factors_view_of(const struct factors_row *row, struct factors_view *out);

/* Hear the factors of an account; borrowed.  ok: the store could say. */
typedef void factors_listed_fn(void *arg, bool ok, const struct factors_view *views, size_t count);
void factors_list(struct domain *domain, const struct account_id *account_id,
                  factors_listed_fn *done, void *arg);

/* Forget factors that nobody confirmed. */
void factors_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
