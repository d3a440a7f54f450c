/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call how often: the rules of domain/limits.h applied to requests.
 * What a refusal costs us is kept below what the request would: a session in
 * memory is looked up first, then device, account and address are asked
 * together; what would cost a read or a signature check is asked before it.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"
#include "server/api/api.h"
#include "server/domain/limits.h"
#include "server/http/route.h"

/* What a call counts as besides a request: the rate of its route. */
enum api_rate {
    API_RATE_REQUEST = 0, /* nothing */
    API_RATE_CHALLENGE,
    API_RATE_REGISTRATION,
    API_RATE_STREAM, /* counted by the handler, which knows the session */
};

/* Count a call of somebody without a session; false when it was refused, and answered. */
bool rates_admit_stranger(struct api *api, struct exchange *exchange);

/*
 * Say whether token_text may be looked up: it is a session's in memory, or not too
 * many from its address were nobody's.  False when the call was refused, and answered.
 */
bool rates_admit_token(struct api *api, struct exchange *exchange, struct bytes token_text);

/* Count a token that was no session's. */
void rates_count_failure(struct api *api, const struct exchange *exchange);

/*
 * Count a guess at a second factor as a failure of its address, before it is judged; false when
 * it was refused, and answered.  Give back what was no wrong guess.
 */
bool rates_admit_guess(struct api *api, struct exchange *exchange);
void rates_give_back_guess(struct api *api, const struct exchange *exchange);

/* The same for one token of any class. */
bool rates_admit_peer(struct api *api, struct exchange *exchange, enum limits_class class);
void rates_give_back_peer(struct api *api, const struct exchange *exchange,
                          enum limits_class class);

/* Count a call of caller; false when it was refused, and answered. */
bool rates_admit_caller(struct api *api, struct exchange *exchange,
                        const struct api_caller *caller);

/* The same for a request that is no exchange: 0, or the seconds to wait. */
int rates_take_caller(struct api *api, const char *peer, const struct api_caller *caller);

/* Count one token of class for the client's address; false when it was refused, and answered. */
bool rates_admit_address(struct api *api, struct exchange *exchange, enum limits_class class);

/* Count one token of class for the account of caller; false when it was refused, and answered. */
bool rates_admit_account(struct api *api, struct exchange *exchange, enum limits_class class);

/* Answer 429 with the seconds to wait. */
void rates_refuse(struct exchange *exchange, int wait_s);
