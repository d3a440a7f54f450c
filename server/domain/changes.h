/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What daemons on one database must hear from each other and is no mail: a head
 * that moved, an account that was erased, sessions that ended, a device that is
 * idle.  Each is a row in the transaction of its effect, numbered in the order of
 * commits; the others read the rows behind the last they saw, when they are told
 * or, where nothing is heard, every second.  There are none where the store is
 * not shared: then every function here does nothing.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/ids.h"
#include "server/domain/domain.h"
#include "server/domain/sessions.h"
#include "server/store/store.h"

struct account_log_entry;
struct hub_event;
struct recovery_news;
struct hub_link;

struct changes *changes_create(void);
void changes_destroy(struct changes *changes);

/*
 * Begin behind change, which was the last when this daemon knew nothing yet.  Before that nothing
 * is followed: it would be all that was ever noted.
 */
void changes_begin(struct domain *domain, int64_t change);

/* An account and its new head; hash is not looked at when it was erased. */
struct changes_head {
    int64_t account;
    struct account_id account_id;
    uint64_t epoch;
    struct manifest_hash hash;
};

/* Append to a batch what the other daemons are to hear of it once it has committed. */
void changes_note_head(const struct domain *domain, struct store_batch *batch,
                       const struct changes_head *head);
void changes_note_erased(const struct domain *domain, struct store_batch *batch,
                         const struct changes_head *head);
void changes_note_sessions(const struct domain *domain, struct store_batch *batch, int64_t account);

/* The same for the session hash, before the statement that ends it. */
void changes_note_session(const struct domain *domain, struct store_batch *batch,
                          const struct session_hash *hash);

/* The same of a hold that begins or is dropped: the event goes to the account's streams. */
void changes_note_hold(const struct domain *domain, struct store_batch *batch, int64_t account,
                       const struct hub_event *event);
/* The same: a code that devices are to show; what happened to a factor. */
void changes_note_code(const struct domain *domain, struct store_batch *batch, int64_t account,
                       const struct txn_challenge_id *id);
void changes_note_factor(const struct domain *domain, struct store_batch *batch,
                         const struct account_log_entry *entry);
/* The same: news of an account's recovery, also of a decoy's, which nobody follows. */
void changes_note_recovery(const struct domain *domain, struct store_batch *batch,
                           const struct recovery_news *news);

/* The same: the register of keys has changed. */
void changes_note_key_files(const struct domain *domain, struct store_batch *batch);

/*
 * The same: that a link changed; where account is not 0 its streams are told what link says.
 */
void changes_note_link(const struct domain *domain, struct store_batch *batch, int64_t account,
                       const struct hub_link *link);

/* Tell the other daemons that a device has not been seen for days. */
void changes_tell_idle(struct domain *domain, int64_t account, uint32_t device_id, int64_t days);

/* Tell the other daemons what the device behind pub is to hear of its keys. */
void changes_tell_keys(struct domain *domain, const struct device_pub *pub,
                       const struct hub_event *event);

/* Read what other daemons have noted, and let memory and streams follow. */
void changes_read(struct domain *domain, int64_t now_ms);

/* Delete rows that everybody has read. */
void changes_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
