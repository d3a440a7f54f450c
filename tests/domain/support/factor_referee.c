/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/factor_referee.h"

#include <string.h>

#include "common/check.h"
#include "common/limits.h"

static void fault(struct referee *referee, bool is_one, const char *what)
{
    if (is_one && referee->fault == NULL) {
        referee->fault = what;
    }
}

static void note(struct referee_times *times, const struct txn_challenge_id *id, int64_t now_s)
{
    CHECK(times->count < MODEL_ROOM);
    times->of[times->count] = *id;
    times->at[times->count++] = now_s;
}

static int since(const struct referee_times *times, int64_t from)
{
    int count = 0;

    for (size_t i = 0; i < times->count; i++) {
        count += times->at[i] > from ? 1 : 0;
    }
    return count;
}

static void forget(struct referee_times *times, int64_t until)
{
    size_t kept = 0;

    for (size_t i = 0; i < times->count; i++) {
        if (times->at[i] > until) {
            times->of[kept] = times->of[i];
            times->at[kept++] = times->at[i];
        }
    }
    times->count = kept;
}

static struct referee_challenge *challenge_of(struct referee *referee,
                                              const struct txn_challenge_id *id)
{
    for (size_t i = 0; i < referee->challenge_count; i++) {
        if (memcmp(&referee->challenges[i].id, id, sizeof *id) == 0) {
            return &referee->challenges[i];
        }
    }
    CHECK(referee->challenge_count < MODEL_ROOM);
    referee->challenges[referee->challenge_count] = (struct referee_challenge){ .id = *id };
    return &referee->challenges[referee->challenge_count++];
}

void referee_judged(struct referee *referee, const struct txn_challenge_id *id, size_t subject,
                    bool is_right, int64_t now_s)
{
    struct referee_challenge *challenge = challenge_of(referee, id);
    struct referee_times *wrong = &referee->wrong[subject];

    fault(referee, ++challenge->judged > LIMIT_CHALLENGE_GUESSES, "a sixth guess at a challenge");
    fault(referee, challenge->right > 0, "a guess at a challenge that was answered");
    fault(referee, since(wrong, now_s - LIMIT_GUESS_DAY_S) >= LIMIT_GUESSES_DAY,
          "an eleventh guess in a day");
    fault(referee, since(wrong, now_s - LIMIT_GUESS_MONTH_S) >= LIMIT_GUESSES_MONTH,
          "a 31st guess in 30 days");
    if (is_right) {
        challenge->right++;
    } else {
        note(wrong, id, now_s);
    }
}

void referee_tried(struct referee *referee, const struct txn_challenge_id *id, bool is_right)
{
    struct referee_challenge *challenge = challenge_of(referee, id);

    fault(referee, is_right && challenge->right > 0, "a challenge that was answered twice");
    challenge->right += is_right ? 1 : 0;
}

void referee_given_back(struct referee *referee, const struct txn_challenge_id *id, size_t subject)
{
    struct referee_times *wrong = &referee->wrong[subject];
    size_t kept = 0;

    referee_tried(referee, id, true);
    for (size_t i = 0; i < wrong->count; i++) {
        if (memcmp(&wrong->of[i], id, sizeof *id) != 0) {
            wrong->of[kept] = wrong->of[i];
            wrong->at[kept++] = wrong->at[i];
        }
    }
    wrong->count = kept;
}

void referee_granted(struct referee *referee, const struct referee_grant *grant)
{
    for (size_t i = 0; i < referee->grant_count; i++) {
        fault(referee, memcmp(&referee->grants[i].grant, &grant->grant, sizeof grant->grant) == 0,
              "a grant that was given before");
    }
    CHECK(referee->grant_count < MODEL_ROOM);
    referee->grants[referee->grant_count++] = *grant;
}

void referee_took(struct referee *referee, struct bytes whose, struct bytes what)
{
    const struct bytes parts[] = { whose, what };
    uint8_t *hash = referee->taken[referee->taken_count];

    CHECK(referee->taken_count < MODEL_ROOM);
    crypto_sha256(parts, 2, hash);
    for (size_t i = 0; i < referee->taken_count; i++) {
        fault(referee, memcmp(referee->taken[i], hash, CRYPTO_SHA256_BYTES) == 0,
              "a step or a recovery code that was taken before");
    }
    referee->taken_count++;
}

void referee_effect(struct referee *referee, const struct grant *grant, size_t person,
                    enum txn_purpose purpose, int64_t now_s)
{
    for (size_t i = 0; i < referee->grant_count; i++) {
        struct referee_grant *each = &referee->grants[i];

        if (memcmp(&each->grant, grant, sizeof *grant) == 0) {
            fault(referee, ++each->effects > 1, "a grant that was used twice");
            fault(referee, each->person != person, "another account's grant");
            fault(referee, each->purpose != purpose, "a grant for another purpose");
            fault(referee, each->expires_at <= now_s, "a grant that is over");
            return;
        }
    }
    fault(referee, true, "a grant that nobody gave");
}

void referee_code(struct referee *referee, size_t subject, int64_t now_s)
{
    fault(referee, since(&referee->codes[subject], now_s - LIMIT_HOUR_S) >= LIMIT_CODES_HOUR,
          "a fourth code in an hour");
    note(&referee->codes[subject], &(struct txn_challenge_id){ { 0 } }, now_s);
}

void referee_prompt(struct referee *referee, size_t subject, int64_t now_s)
{
    fault(referee,
          since(&referee->prompts[subject], now_s - LIMIT_LINK_PROMPTS_S) >= LIMIT_LINK_PROMPTS,
          "a fourth prompt in an hour");
    note(&referee->prompts[subject], &(struct txn_challenge_id){ { 0 } }, now_s);
}

void referee_released(struct referee *referee, size_t recovery)
{
    fault(referee, referee->is_over[recovery], "a share of a recovery that is over");
    referee->is_over[recovery] = true;
}

void referee_ended(struct referee *referee, size_t recovery)
{
    referee->is_over[recovery] = true;
}

void referee_purge(struct referee *referee, int64_t now_s)
{
    for (size_t i = 0; i < 2 * (size_t)MODEL_PEOPLE; i++) {
        forget(&referee->wrong[i], now_s - LIMIT_GUESS_MONTH_S);
        forget(&referee->codes[i], now_s - LIMIT_HOUR_S);
        forget(&referee->prompts[i], now_s - LIMIT_LINK_PROMPTS_S);
    }
}

void referee_erased(struct referee *referee, size_t person)
{
    referee->wrong[2 * person].count = 0;
    referee->prompts[2 * person].count = 0;
}
