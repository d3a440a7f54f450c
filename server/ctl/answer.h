/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read of a relay's answers before it is shown or used: a terminal obeys what it is
 * sent, so no text of a relay gets there that has not the form that it should have.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/ctl/exit_code.h"

/* Alphabets. */
#define ANSWER_WORD "abcdefghijklmnopqrstuvwxyz0123456789_."
#define ANSWER_BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define ANSWER_BASE32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define ANSWER_DIGITS "0123456789"
#define ANSWER_RECOVERY_CODE "0123456789ABCDEFGHJKMNPQRSTVWXYZ-"

enum {
    ANSWER_WORD_MAX = 32 /* letters of a kind, a purpose, a change */
};

/* A text of min to max letters of alphabet alone, else NULL.  Borrowed from value. */
const char *answer_text(const json_t *value, const char *alphabet, size_t min, size_t max);

/* A member that is a word, "?" when it is none. */
const char *answer_word(const json_t *object, const char *member);

/* A member that is an id of 16 bytes, or a secret of 32, as base64url; else NULL. */
const char *answer_id(const json_t *object, const char *member);
const char *answer_secret(const json_t *object, const char *member);

/* Say whether text is an id of 16 bytes as base64url. */
bool answer_is_id(const char *text);

/* A member that is a number, 0 when it is none. */
int64_t answer_number(const json_t *object, const char *member);

/* Say that an answer is not as the relay's interface has it. */
enum exit_code answer_say_odd(const char *what);
