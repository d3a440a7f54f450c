/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of links share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/domain/account_log.h"
#include "server/domain/hub.h"
#include "server/domain/links.h"
#include "server/domain/links_sql.h"
#include "server/store/store.h"

struct domain;

/* The state of a row at now_s: one that is over is EXPIRED whether or not it was ended. */
enum link_state links_state_at(const struct links_row *row, int64_t now_s);

/* Say whether actor may see the link; and fill what it sees, but for the messages. */
bool links_is_for(const struct links_row *row, const struct links_actor *actor);
void links_view_of(const struct links_row *row, int64_t now_s, struct links_view *out);

/* What the account's devices and log are told of a link. */
struct links_news {
    enum account_log_event event;
    struct link_id link_id;
    int64_t account; /* 0: there is nobody to tell; only who waits for the link is */
    struct account_id account_id;
    uint32_t device_id; /* whose step it was; 0: nobody's, or the new device's */
    int64_t expires_at; /* of ACCOUNT_LOG_LINK_REQUESTED */
    struct bytes name;  /* likewise; at most LIMIT_LINK_NAME_BYTES */
};

/* Append to a batch what notes news in the log and for other daemons. */
void links_note(const struct domain *domain, struct store_batch *batch,
                const struct links_news *news, int64_t now_ms);

/* The same of a change that nobody but those who wait for the link is told. */
void links_note_change(const struct domain *domain, struct store_batch *batch,
                       const struct link_id *link_id);

/* Tell who is here, once the batch has committed. */
void links_tell(struct domain *domain, const struct links_news *news);

/*
 * Answer a step whose write was refused: read where the link is.  When it is where the step expected it,
 * fallback is why.  done is called exactly once, later.
 */
struct links_refusal {
    struct link_id link_id;
    struct links_actor actor;
    int64_t version;    /* that the step expected, */
    bool wants_created; /* and whether the link had to be nobody's yet */
    enum links_result fallback;
    int64_t now_ms;
    links_done_fn *done;
    void *arg;
};
void links_explain(struct domain *domain, const struct links_refusal *refusal);

/* What the store says of a write that was not refused. */
enum links_result links_result_of(enum store_status status);
