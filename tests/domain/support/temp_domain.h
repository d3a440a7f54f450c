/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole domain on a real store, for tests of mail: accounts and devices
 * are made as rows, without manifests.  Time stands still at TEMP_DOMAIN_NOW_MS
 * unless a test passes another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/seal.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes.h"
#include "server/domain/hub.h"
#include "server/domain/mail.h"
#include "server/domain/mailboxes.h"
#include "server/domain/seqs.h"
#include "tests/support/temp_store.h"

#define TEMP_DOMAIN_NOW_MS INT64_C(1800000000000)

enum {
    TEMP_HEARD_MAX = 64,
    TEMP_LIST_MAX = 1000
};

struct temp_domain {
    struct temp_store temp;
    struct domain domain;
};

/* What its seal has as key 1. */
extern const uint8_t temp_domain_seal_key[SEAL_KEY_BYTES];

void temp_domain_open(struct temp_domain *temp);
void temp_domain_close(struct temp_domain *temp);

/* Open a second daemon on the database and the loop of first; close it before that one. */
void temp_domain_open_beside(struct temp_domain *temp, const struct temp_domain *first);

/* End the daemon's life and begin another on the same file: memory is lost, seqs jump. */
void temp_domain_restart(struct temp_domain *temp);

/* The same at now_ms, with a copy of the heartbeat beside the keys; returns how it started. */
struct seqs_start temp_domain_restart_at(struct temp_domain *temp, int64_t copy_heartbeat,
                                         int64_t now_ms);

/* The key of device n; n is not 0. */
struct device_pub temp_domain_pub(uint32_t n);

/* Make a row for account a with one device n, seen on the day of TEMP_DOMAIN_NOW_MS. */
void temp_domain_device(struct temp_domain *temp, int64_t account, uint32_t n);

/* Take the device's row away, as a manifest does, and forget its mailbox. */
void temp_domain_remove(struct temp_domain *temp, uint32_t n);

/* Close the mailbox of device n, or open it, in its row and in memory. */
void temp_domain_set_closed(struct temp_domain *temp, uint32_t n, bool closed);

/* Load the mailbox of device n; NULL when there is none. */
struct mailbox *temp_domain_mailbox(struct temp_domain *temp, uint32_t n);

/* Wait until what drop_oldest takes from the mailbox of device n is gone. */
void temp_domain_wait_trimmed(struct temp_domain *temp, uint32_t n);

/* How a send ended, with copies of its lists. */
struct temp_sent {
    bool done;
    struct envelope_outcome outcome;
    struct device_pub keys[TEMP_LIST_MAX];
};

/* Send body under the id made of id_byte to one device and wait for the end. */
void temp_domain_send(struct temp_domain *temp, uint32_t n, uint8_t id_byte, const char *body,
                      struct temp_sent *out);

/* The same for another life and another time than the longest and TEMP_DOMAIN_NOW_MS. */
void temp_domain_send_at(struct temp_domain *temp, uint32_t n, const char *body, int64_t ttl_s,
                         int64_t now_ms, struct temp_sent *out);

/* Begin a send and do not wait; temp_domain_wait waits. */
void temp_domain_begin(struct temp_domain *temp, const struct envelope_send *send, int64_t now_ms,
                       struct temp_sent *out);
void temp_domain_wait(struct temp_domain *temp, struct temp_sent *sent);

/* What a read returned, bodies as texts. */
struct temp_read {
    bool done;
    bool ok, more;
    size_t count;
    struct mail_item items[MAIL_READ_ITEMS];
    char bodies[MAIL_READ_ITEMS][64];
};

/* Read a page of the mailbox of device n, or all of it behind after that one read yields. */
void temp_domain_read_page(struct temp_domain *temp, uint32_t n, const struct mail_page *page,
                           struct temp_read *out);
void temp_domain_read(struct temp_domain *temp, uint32_t n, int64_t after, int64_t now_ms,
                      struct temp_read *out);

/* Begin to read a mailbox that is pinned, and do not wait for out->done. */
void temp_domain_read_begin(struct temp_domain *temp, struct mailbox *mailbox,
                            const struct mail_page *page, struct temp_read *out);

/* Acknowledge seqs and wait; returns how many items were deleted, -1 when it failed. */
int64_t temp_domain_ack(struct temp_domain *temp, uint32_t n, const int64_t *seqs, size_t count);
int64_t temp_domain_ack_run(struct temp_domain *temp, uint32_t n, const struct mail_run *run);
int64_t temp_domain_ack_upto(struct temp_domain *temp, uint32_t n, int64_t seq, int64_t now_ms);

/* A listener that writes down what it hears. */
struct temp_heard {
    struct hub_stream *stream;
    bool caught_up;
    size_t mail_count, event_count, end_count, acknowledged;
    struct hub_mail mails[TEMP_HEARD_MAX];
    char bodies[TEMP_HEARD_MAX][64];
    enum hub_end end;
    struct hub_event event;
    struct hub_waiting waiting;
};
void temp_domain_listen(struct temp_domain *temp, uint32_t n, struct temp_heard *heard);
void temp_domain_unlisten(struct temp_domain *temp, struct temp_heard *heard);
