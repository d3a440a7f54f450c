/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of recoveries share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/crypto.h"
#include "common/recovery_share.h"
#include "server/domain/commands.h"
#include "server/domain/recoveries.h"
#include "server/domain/recoveries_sql.h"
#include "server/domain/recovery_news.h"

/* A step under way: what was asked, the row that was read, and what is to be done. */
struct stepping {
    struct domain *domain;
    struct recoveries_step step; /* its pointers are to what is below, or NULL */
    struct recovery_token token;
    struct command_guard guard;
    struct buf packet;         /* that a device sends */
    struct recoveries_row row; /* its packet is the next; its share is gone with the rows */
    struct buf row_packet;
    uint8_t a[RECOVERY_A_BYTES]; /* what a release tells */
    bool renews;                 /* the wait begins anew */
    int64_t until;
    struct recovery_news news; /* of what is written; event 0: none */
    int64_t now_ms;
    int writes;
    recoveries_done_fn *done;
    void *arg;
};

/* What recoveries_judge finds: go on and write, or answer with a result. */
struct recoveries_verdict {
    bool writes;
    enum recoveries_result result;
};

/* Judge a step against the row that was read, which is there; fills until, renews and news. */
struct recoveries_verdict recoveries_judge(struct stepping *stepping);

/* The hash of a token, as the database has it. */
void recoveries_hash_token(const struct recovery_token *token, uint8_t out[CRYPTO_SHA256_BYTES]);

/* When what is asked at now_ms has waited long enough; Unix seconds. */
int64_t recoveries_until(const struct domain *domain, int64_t now_ms);
