/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time codes of authenticator apps (RFC 6238 on RFC 4226): HMAC-SHA1, six
 * digits, a new code every 30 s, the parameters that every app has.  The relay makes the
 * secret, shows its text once and keeps it sealed, with the step that was accepted last:
 *
 *   totp_secret_make(secret), totp_secret_write(secret, text)    enrolment
 *   totp_code_read(typed, &code) &&
 *       totp_check(secret, code, now_ms, last_step, &last_step)  a guess, already counted
 *
 * A step is a number of 30 s since 1970.  After crypto_start; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    TOTP_SECRET_BYTES = 20, /* as RFC 4226 section 4, R6 recommends */
    TOTP_SECRET_CHARS = 32, /* of base32, which has no padding here */
    TOTP_STEP_MS = 30000,
    TOTP_STEPS_AROUND = 1,    /* accepted before and after the present one */
    TOTP_CODE_BELOW = 1000000 /* codes are 0 up to here */
};

#define TOTP_NO_STEP INT64_C(-1) /* the last step where none was accepted yet */

/* Make a secret at random.  The caller wipes it. */
void totp_secret_make(uint8_t out[TOTP_SECRET_BYTES]);

/*
 * Write the text of a secret as otpauth URIs and people carry it: base32 (RFC 4648
 * section 6), with a NUL.  It is as secret as the secret: the caller wipes it.
 */
void totp_secret_write(const uint8_t secret[TOTP_SECRET_BYTES], char out[TOTP_SECRET_CHARS + 1]);

/* The code of a step; step is not negative. */
uint32_t totp_code(const uint8_t secret[TOTP_SECRET_BYTES], int64_t step);

/* Read what a person typed: six digits, with or without a space after three.  False: none. */
bool totp_code_read(struct bytes typed, uint32_t *out);

/*
 * Say whether code is that of the step of now_ms (Unix time, not negative) or of a step beside
 * it, and of one after last_step: a code is good once (RFC 6238 section 5.2).  The step to
 * keep as the last one is written when it is.  Takes the same time whatever the code.
 */
bool totp_check(const uint8_t secret[TOTP_SECRET_BYTES], uint32_t code, int64_t now_ms,
                int64_t last_step, int64_t *out_step);
