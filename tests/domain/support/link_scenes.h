/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that tests of links take again and again: accounts, a new device, its link.
 * Each runs the loop until its answer is there, unless it says "start".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "server/domain/links.h"
#include "server/domain/links_steps.h"
#include "server/domain/manifests.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"

enum {
    LINK_SCENES_NEWCOMER = 7 /* its number in candidates */
};

struct link_scenes {
    struct temp_domain temp;
    struct person ada; /* devices 1 and 2 (ADMIN), and 3 */
    struct person bob; /* device 1 */
    int64_t now_ms;
};

/* For cmocka: *state is a struct link_scenes. */
int link_scenes_set_up(void **state);
int link_scenes_tear_down(void **state);

/* A new device and its link. */
struct link {
    uint8_t seed[CRYPTO_SEED_BYTES];
    struct device_pub pub;
    struct buf entry; /* link_clear clears it */
    struct link_id link_id;
    struct link_token_hash token_hash;
};
void link_clear(struct link *link);

struct heard_link {
    int64_t version;
    int64_t retry_s;
    int64_t held_until;
    uint64_t epoch; /* sign */
    size_t message_count;
    enum links_result result;
    enum link_state state;
    enum manifests_result manifest; /* MANIFEST */
    enum manifest_verdict verdict;
    uint32_t device_id;
    struct link_id link_id; /* begin */
    struct link_token_hash token_hash;
    struct account_id account_id;
    char last_message[16]; /* as a text */
    uint8_t last_from_new;
    bool has_candidate;
    bool done;
};

/* Make a new device, and begin for it what order says of a link; whom it asks and its grant. */
struct heard_link link_begin(struct link_scenes *scenes, const struct links_order *order,
                             struct link *out);

/* The same for nobody, and expect that it is done. */
void link_begin_open(struct link_scenes *scenes, struct link *out);

/* Who acts: the new device, or device n of person. */
struct links_actor link_new(const struct link *link);
struct links_actor link_old(struct link_scenes *scenes, struct person *person, uint32_t n);

struct heard_link link_read(struct link_scenes *scenes, const struct link *link,
                            const struct links_actor *actor);

/* Steps, at a version that was seen; start: by a daemon, and do not wait. */
struct heard_link link_say(struct link_scenes *scenes, const struct link *link,
                           const struct links_actor *actor, int64_t version, const char *text);
void link_claim_start(struct temp_domain *by, const struct link_scenes *scenes,
                      const struct link *link, const struct links_actor *actor, int64_t version,
                      struct heard_link *heard);
struct heard_link link_claim(struct link_scenes *scenes, const struct link *link,
                             const struct links_actor *actor, int64_t version);
void link_deny_start(struct temp_domain *by, const struct link_scenes *scenes,
                     const struct link *link, const struct links_actor *actor,
                     struct heard_link *heard);
struct heard_link link_deny(struct link_scenes *scenes, const struct link *link,
                            const struct links_actor *actor);

/*
 * Let person's device n make a candidate of its head, with the new device as
 * LINK_SCENES_NEWCOMER and not signed by it; out_next, which has its key, is how it would go on.
 */
void link_make_candidate(const struct person *person, uint32_t n, const struct link *link,
                         struct buf *out, struct person *out_next);
struct heard_link link_candidate(struct link_scenes *scenes, const struct link *link,
                                 const struct links_actor *actor, int64_t version,
                                 struct bytes candidate);

/* Sign a candidate as the new device. */
void link_sign_start(struct temp_domain *by, const struct link_scenes *scenes,
                     const struct link *link, int64_t version, struct bytes candidate,
                     struct heard_link *heard);
struct heard_link link_sign(struct link_scenes *scenes, const struct link *link, int64_t version,
                            struct bytes candidate);

/* Begin a link, claim it by ada's device n, put a candidate: it waits for its signature. */
void link_until_candidate(struct link_scenes *scenes, uint32_t n, struct link *out,
                          struct buf *out_candidate, struct person *out_next);

/* Wait for several at once. */
void link_wait(struct link_scenes *scenes, struct heard_link *heard, size_t count);

/* End what is over at scenes->now_ms, and tell. */
void link_expire(struct link_scenes *scenes);
