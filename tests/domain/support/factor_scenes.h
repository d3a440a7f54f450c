/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that tests of second factors take again and again: an account, its
 * transactions, challenges and guesses, its apps.  Each runs the loop until its answer
 * is there, unless it says "start".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/opaque.h"
#include "common/recovery_code.h"
#include "common/totp.h"
#include "server/domain/authenticators.h"
#include "server/domain/codes.h"
#include "server/domain/factors.h"
#include "server/domain/txns.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"

struct factor_scenes {
    struct temp_domain temp;
    struct person ada; /* devices 1 (ADMIN) and 2 */
    int64_t account;   /* ada's */
    int64_t command_seq;
    int64_t now_ms;
    uint8_t request[OPAQUE_REQUEST_BYTES]; /* of a password; any element */
};

/* For cmocka: *state is a struct factor_scenes. */
int factor_scenes_set_up(void **state);
int factor_scenes_tear_down(void **state);

struct heard_txn {
    bool done;
    struct txns_outcome outcome; /* its views are not looked at */
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    size_t allowed_count;
    struct authenticators_id allowed; /* the first one */
};

/* Begin for ada, or for a handle; a transaction, then a challenge of it. */
struct txns_outcome factor_begin(struct factor_scenes *scenes, enum txn_purpose purpose,
                                 const char *handle);
struct txns_outcome factor_challenge(struct factor_scenes *scenes, const struct txn_id *txn_id,
                                     enum factor_kind kind);
struct txns_outcome factor_challenge_by(struct factor_scenes *scenes,
                                        const struct txns_challenge_order *order);

/* Both for ada, and expect that it is done. */
struct started {
    struct txn_id txn_id;
    struct txn_challenge_id challenge_id;
};
struct started factor_start(struct factor_scenes *scenes, enum txn_purpose purpose,
                            enum factor_kind kind);

/* Guess at a challenge; start: by a daemon, and do not wait. */
void factor_answer_start(struct temp_domain *by, const struct started *started, const char *text,
                         int64_t now_ms, struct heard_txn *heard);
void factor_reply_start(struct temp_domain *by, const struct started *started,
                        const struct factor_reply *reply, int64_t now_ms, struct heard_txn *heard);
struct txns_outcome factor_answer(struct factor_scenes *scenes, const struct started *started,
                                  const char *text);

/* The newest code that ada's devices show; false when there is none.  Another code than this. */
bool factor_shown(struct factor_scenes *scenes, struct code *out);
struct code factor_wrong(const struct code *code);

struct heard_factor {
    bool done;
    enum factors_result result;
    struct factor_id factor_id;
    uint8_t secret[TOTP_SECRET_BYTES];
    struct recovery_code codes[RECOVERY_CODE_COUNT];
    uint8_t response[OPAQUE_RESPONSE_BYTES];
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    size_t excluded_count;
    int64_t last_seq;
};

/* By the next command of ada's device 1; grant may be NULL. */
struct heard_factor factor_enrol(struct factor_scenes *scenes, enum factor_kind kind,
                                 const struct grant *grant);
enum factors_result factor_confirm(struct factor_scenes *scenes, const struct heard_factor *app,
                                   int64_t steps);
enum factors_result factor_confirm_by(struct factor_scenes *scenes, const struct factor_id *id,
                                      const struct factors_proof *proof);
enum factors_result factor_remove(struct factor_scenes *scenes, const struct factor_id *id,
                                  const struct grant *grant);

/* Enrol and confirm an app, by the code of now. */
struct heard_factor factor_enrol_app(struct factor_scenes *scenes, const struct grant *grant);

/* Run one step of a purge so many seconds after SCENE_NOW_MS; how many rows it took. */
typedef void factor_purge_fn(struct domain *domain, int64_t now_ms, domain_purged_fn *done,
                             void *arg);
size_t factor_purge(struct factor_scenes *scenes, factor_purge_fn *purge, int64_t after_s);

/* Write the code of an app so many steps from now. */
void factor_app_code(const struct factor_scenes *scenes, const struct heard_factor *app,
                     int64_t steps, char out[CODES_DIGITS + 1]);

/* Write digits that are no code of the app in this step or one beside it. */
void factor_app_wrong(const struct factor_scenes *scenes, const struct heard_factor *app,
                      char out[CODES_DIGITS + 1]);
