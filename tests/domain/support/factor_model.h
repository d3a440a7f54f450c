/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of second factors, in memory and with no thought of how they are kept: people, what
 * they have enrolled, transactions, challenges, grants, and what is counted.  What may happen
 * to it: factor_rules.h; what grants open: ways_model.h.
 *
 * Guesses are counted for subjects: of person p the account is 2p, and the handle, while it is
 * nobody's, 2p + 1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"
#include "common/limits.h"
#include "common/opaque.h"
#include "common/recovery_code.h"
#include "common/totp.h"
#include "common/webauthn.h"
#include "server/domain/account_log.h"
#include "server/domain/codes.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/grants.h"
#include "tests/domain/support/ways_model.h"

enum {
    MODEL_PEOPLE = 8,
    MODEL_DEVICES = 2, /* of a person, that act; the first is ADMIN */
    MODEL_FACTORS = 3 * LIMIT_FACTORS + 1,
    MODEL_TEXT_BYTES = 96, /* of an answer, with a NUL */
    MODEL_ROOM = 640       /* of whatever grows with the steps of a walk */
};

struct model_factor {
    struct factor_id id;
    enum factor_kind kind;
    bool is_confirmed;
    bool is_stepped_up;
    int64_t created_at;
    int64_t counter;                         /* the last step of an app; of an authenticator */
    uint8_t secret[TOTP_SECRET_BYTES];       /* of an app */
    uint8_t number;                          /* makes an authenticator's, and a password's, key */
    uint8_t response[OPAQUE_RESPONSE_BYTES]; /* of a password */
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES]; /* of an authenticator that is pending */
    int64_t challenge_ends_at;
    struct recovery_code codes[RECOVERY_CODE_COUNT];
    bool is_used[RECOVERY_CODE_COUNT];
};

enum model_presence {
    MODEL_TO_COME = 0,
    MODEL_HERE,
    MODEL_ERASED
};

struct model_person {
    enum model_presence presence;
    bool has_handle;
    uint64_t epoch; /* of the head */
    int64_t last_seq[MODEL_DEVICES];
    struct model_factor factors[MODEL_FACTORS];
    size_t factor_count;
    struct account_log_entry log[MODEL_ROOM];
    size_t log_count;
};

struct model_subject {
    int64_t guesses[MODEL_ROOM]; /* Unix seconds */
    int guessed_by[MODEL_ROOM];  /* the challenge that was the guess; -1: an answer */
    size_t guess_count;
    bool is_seen; /* as a decoy, which seemed to have these kinds enrolled */
    uint32_t seeming;
};

struct model_txn {
    struct txn_id id;
    size_t person;
    size_t subject;
    bool is_real; /* there is an account, and has been since it began */
    bool is_done;
    bool is_forgotten;
    enum txn_purpose purpose;
    uint32_t kinds;
    int challenges_left;
    int64_t expires_at;
};

struct model_challenge {
    struct txn_challenge_id id;
    size_t txn;
    enum factor_kind kind;
    int tries_left;
    bool is_used;
    bool is_forgotten;
    bool is_hidden; /* its code is not shown any more, whatever else */
    int64_t created_at;
    int64_t expires_at;
    struct code code;                        /* "" while nobody has seen it */
    char ke3[MODEL_TEXT_BYTES];              /* of a password: the only right one; "": none is */
    struct factor_id password;               /* whose that is */
    uint8_t asked[WEBAUTHN_CHALLENGE_BYTES]; /* of an authenticator */
};

/* What an authenticator signs. */
struct model_assertion {
    uint8_t number;
    uint32_t counter;
    bool is_other;  /* for another challenge */
    bool is_spoilt; /* and then changed */
};

struct model_grant {
    struct grant grant;
    size_t person;
    enum txn_purpose purpose;
    enum factor_kind kind;
    struct factor_id by; /* the app or authenticator that gave it, at a step or a counter */
    int64_t at;
    int64_t expires_at;
    bool is_gone; /* used, or ended with its account, or forgotten */
};

struct factor_model {
    int64_t now_ms;
    struct model_person people[MODEL_PEOPLE];
    struct model_subject subjects[2 * MODEL_PEOPLE];
    struct model_txn txns[MODEL_ROOM];
    size_t txn_count;
    struct model_challenge challenges[MODEL_ROOM];
    size_t challenge_count;
    struct model_grant grants[MODEL_ROOM];
    size_t grant_count;
    struct model_ways ways;
};
