/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes a link (links.h).  Each step is one transaction with its guards.
 *
 *   links_begin.c    links_step.c       messages, claims, denials
 *   links_sign.c     links_candidate.c  links_end.c  expiry, purges
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/links.h"

struct domain;
struct grant;
struct handle;

/* Begin a link.  All of it is copied. */
struct links_order {
    struct bytes entry; /* one that link_entry_parse takes, LIMIT_LINK_ENTRY_BYTES at most */
    struct bytes name;  /* UTF-8, LIMIT_LINK_NAME_BYTES at most; empty: none */
    bool asks;          /* somebody: handle, or where that is NULL account_id */
    const struct handle *handle;
    struct account_id account_id;
    const struct grant *grant; /* NULL: none */
};
void links_begin(struct domain *domain, const struct links_order *order, int64_t now_ms,
                 links_done_fn *done, void *arg);

/* What a step is of, by whom, and the version that was seen (not looked at by links_deny). */
struct links_step {
    struct link_id link_id;
    struct links_actor actor;
    int64_t version;
};

/* Tell the other side something; body is copied, LIMIT_LINK_MESSAGE_BYTES at most. */
void links_say(struct domain *domain, const struct links_step *step, struct bytes body,
               int64_t now_ms, links_done_fn *done, void *arg);

/* Claim a link for the account of an ADMIN device. */
void links_claim(struct domain *domain, const struct links_step *step, int64_t now_ms,
                 links_done_fn *done, void *arg);

/* End it, from either side; a link that is denied already is done. */
void links_deny(struct domain *domain, const struct links_step *step, int64_t now_ms,
                links_done_fn *done, void *arg);

/*
 * Put the candidate of the device that claimed it, or another one in its place: the
 * next manifest, signed by that device and not yet by the new one.  signed_bytes is copied.
 */
void links_candidate(struct domain *domain, const struct links_step *step,
                     struct bytes signed_bytes, int64_t now_ms, links_done_fn *done, void *arg);

/* Sign the candidate as the new device: it becomes the head, and the link is done, or neither. */
void links_sign(struct domain *domain, const struct links_step *step,
                const uint8_t signature[CRYPTO_SIGNATURE_BYTES], int64_t now_ms,
                links_done_fn *done, void *arg);
