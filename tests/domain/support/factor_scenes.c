/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/factor_scenes.h"

#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto_ristretto.h"
#include "common/handle.h"
#include "server/domain/commands.h"
#include "server/domain/mailboxes.h"
#include "tests/support/unit.h"

int factor_scenes_set_up(void **state)
{
    static struct factor_scenes scenes;
    static const uint8_t uniform[CRYPTO_UNIFORM_BYTES] = { 1 };

    memset(&scenes, 0, sizeof scenes);
    temp_domain_open(&scenes.temp);
    person_init(&scenes.ada, 2);
    scene_register(&scenes.temp, &scenes.ada);
    scenes.account = scene_count(&scenes.temp, "SELECT account FROM accounts");
    scenes.command_seq = 1;
    crypto_element_of_hash(uniform, scenes.request);
    scenes.now_ms = SCENE_NOW_MS;
    *state = &scenes;
    return 0;
}

int factor_scenes_tear_down(void **state)
{
    struct factor_scenes *scenes = *state;

    person_clear(&scenes->ada);
    temp_domain_close(&scenes->temp);
    return 0;
}

static void hear_txn(void *arg, const struct txns_outcome *outcome)
{
    struct heard_txn *heard = arg;

    assert_false(heard->done);
    heard->outcome = *outcome;
    if (outcome->ke2 != NULL) {
        memcpy(heard->ke2, outcome->ke2, sizeof heard->ke2);
    }
    if (outcome->options != NULL) {
        memcpy(heard->challenge, outcome->options->challenge, sizeof heard->challenge);
        heard->allowed_count = outcome->options->allowed->count;
        heard->allowed = outcome->options->allowed->at[0];
    }
    heard->done = true;
}

struct txns_outcome factor_begin(struct factor_scenes *scenes, enum txn_purpose purpose,
                                 const char *handle)
{
    struct heard_txn heard = { .done = false };
    struct txns_order order = { .purpose = purpose, .account_id = scenes->ada.account_id };
    struct handle name;

    if (handle != NULL) {
        assert_true(handle_read(bytes_text(handle), &name));
        order.handle = &name;
    }
    txns_begin(&scenes->temp.domain, &order, scenes->now_ms, hear_txn, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.outcome;
}

struct txns_outcome factor_challenge_by(struct factor_scenes *scenes,
                                        const struct txns_challenge_order *order)
{
    struct heard_txn heard = { .done = false };

    txns_challenge(&scenes->temp.domain, order, scenes->now_ms, hear_txn, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.outcome;
}

struct txns_outcome factor_challenge(struct factor_scenes *scenes, const struct txn_id *txn_id,
                                     enum factor_kind kind)
{
    const struct txns_challenge_order order = { .txn_id = *txn_id, .kind = kind };

    return factor_challenge_by(scenes, &order);
}

struct started factor_start(struct factor_scenes *scenes, enum txn_purpose purpose,
                            enum factor_kind kind)
{
    struct txns_outcome begun = factor_begin(scenes, purpose, NULL);
    struct txns_outcome challenged;

    assert_int_equal(begun.result, TXNS_DONE);
    challenged = factor_challenge(scenes, &begun.txn_id, kind);
    assert_int_equal(challenged.result, TXNS_DONE);
    return (struct started){ begun.txn_id, challenged.txn_challenge_id };
}

void factor_answer_start(struct temp_domain *by, const struct started *started, const char *text,
                         int64_t now_ms, struct heard_txn *heard)
{
    const struct factor_reply reply = { .text = bytes_text(text) };

    factor_reply_start(by, started, &reply, now_ms, heard);
}

void factor_reply_start(struct temp_domain *by, const struct started *started,
                        const struct factor_reply *reply, int64_t now_ms, struct heard_txn *heard)
{
    const struct txns_guess guess = { started->txn_id, started->challenge_id, *reply };

    heard->done = false;
    txns_answer(&by->domain, &guess, now_ms, hear_txn, heard);
}

struct txns_outcome factor_answer(struct factor_scenes *scenes, const struct started *started,
                                  const char *text)
{
    struct heard_txn heard;

    factor_answer_start(&scenes->temp, started, text, scenes->now_ms, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.outcome;
}

struct heard_codes {
    bool done;
    size_t count;
    struct code last;
};

static void hear_codes(void *arg, bool ok, const struct shown_code *codes, size_t count)
{
    struct heard_codes *heard = arg;

    assert_true(ok);
    heard->count = count;
    if (count > 0) {
        heard->last = codes[count - 1].code;
    }
    heard->done = true;
}

bool factor_shown(struct factor_scenes *scenes, struct code *out)
{
    struct heard_codes heard = { .done = false };

    codes_list(&scenes->temp.domain, scenes->account, scenes->now_ms, hear_codes, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    if (heard.count > 0) {
        *out = heard.last;
    }
    return heard.count > 0;
}

struct code factor_wrong(const struct code *code)
{
    struct code wrong = *code;

    wrong.digits[0] = "1234567890"[wrong.digits[0] - '0'];
    return wrong;
}

static void hear_factor(void *arg, const struct factors_outcome *outcome)
{
    struct heard_factor *heard = arg;

    assert_false(heard->done);
    heard->done = true;
    heard->result = outcome->result;
    heard->last_seq = outcome->last_seq;
    if (outcome->result == FACTORS_DONE) {
        heard->factor_id = outcome->factor_id;
        if (outcome->secret != NULL) {
            memcpy(heard->secret, outcome->secret, sizeof heard->secret);
        }
        memcpy(heard->codes, outcome->codes, sizeof heard->codes);
        memcpy(heard->response, outcome->response, sizeof heard->response);
        memcpy(heard->challenge, outcome->creation->challenge, sizeof heard->challenge);
        heard->excluded_count = outcome->creation->excluded.count;
    }
}

/* An order by the next command of device 1; *guard lives as long as the call. */
static struct factors_order order_of(struct factor_scenes *scenes, struct command_guard *guard,
                                     const struct grant *grant)
{
    struct mailbox *mailbox = scene_mailbox(&scenes->temp, &person_device(&scenes->ada, 1)->pub);

    *guard = (struct command_guard){ .mailbox = mailbox->number, .seq = scenes->command_seq++ };
    return (struct factors_order){ .account = scenes->account,
                                   .account_id = scenes->ada.account_id,
                                   .device_id = 1,
                                   .guard = guard,
                                   .grant = grant };
}

struct heard_factor factor_enrol(struct factor_scenes *scenes, enum factor_kind kind,
                                 const struct grant *grant)
{
    struct heard_factor heard = { .done = false };
    struct command_guard guard;
    struct factors_order order = order_of(scenes, &guard, grant);

    order.kind = kind;
    order.label = bytes_text("label");
    order.request = scenes->request;
    factors_enrol(&scenes->temp.domain, &order, scenes->now_ms, hear_factor, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

enum factors_result factor_confirm(struct factor_scenes *scenes, const struct heard_factor *app,
                                   int64_t steps)
{
    const struct factors_proof proof = {
        .kind = FACTOR_TOTP,
        .code = totp_code(app->secret, scenes->now_ms / TOTP_STEP_MS + steps),
    };

    return factor_confirm_by(scenes, &app->factor_id, &proof);
}

enum factors_result factor_confirm_by(struct factor_scenes *scenes, const struct factor_id *id,
                                      const struct factors_proof *proof)
{
    struct heard_factor heard = { .done = false };
    struct command_guard guard;
    struct factors_order order = order_of(scenes, &guard, NULL);

    order.factor_id = *id;
    order.proof = proof;
    factors_confirm(&scenes->temp.domain, &order, scenes->now_ms, hear_factor, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.result;
}

enum factors_result factor_remove(struct factor_scenes *scenes, const struct factor_id *id,
                                  const struct grant *grant)
{
    struct heard_factor heard = { .done = false };
    struct command_guard guard;
    struct factors_order order = order_of(scenes, &guard, grant);

    order.factor_id = *id;
    factors_remove(&scenes->temp.domain, &order, scenes->now_ms, hear_factor, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.result;
}

struct heard_factor factor_enrol_app(struct factor_scenes *scenes, const struct grant *grant)
{
    struct heard_factor app = factor_enrol(scenes, FACTOR_TOTP, grant);

    assert_int_equal(app.result, FACTORS_DONE);
    assert_int_equal(factor_confirm(scenes, &app, 0), FACTORS_DONE);
    return app;
}

size_t factor_purge(struct factor_scenes *scenes, factor_purge_fn *purge, int64_t after_s)
{
    struct heard_purge heard = { .done = false };

    purge(&scenes->temp.domain, SCENE_NOW_MS + after_s * 1000, scene_hear_purge, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.row_count;
}

static void write_digits(uint32_t code, char out[CODES_DIGITS + 1])
{
    for (size_t i = CODES_DIGITS; i > 0; i--) {
        out[i - 1] = (char)('0' + code % 10);
        code /= 10;
    }
    out[CODES_DIGITS] = '\0';
}

void factor_app_code(const struct factor_scenes *scenes, const struct heard_factor *app,
                     int64_t steps, char out[CODES_DIGITS + 1])
{
    write_digits(totp_code(app->secret, scenes->now_ms / TOTP_STEP_MS + steps), out);
}

void factor_app_wrong(const struct factor_scenes *scenes, const struct heard_factor *app,
                      char out[CODES_DIGITS + 1])
{
    uint32_t code = 0;
    int64_t step = 0;

    while (totp_check(app->secret, code, scenes->now_ms, TOTP_NO_STEP, &step)) {
        code++;
    }
    write_digits(code, out);
}
