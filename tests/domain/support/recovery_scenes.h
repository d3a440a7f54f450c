/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recoveries as tests make them: of ada's account (factor_scenes.h), which has a share in slot 2,
 * on a relay that waits a day and has been awake for long.  Each step runs the loop until its
 * answer is there, unless it says "start".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/recoveries.h"
#include "server/domain/recovery_contacts.h"
#include "tests/domain/support/factor_scenes.h"

#define RECOVERY_WAIT_S INT64_C(86400)
#define RECOVERY_SLOT 2
#define RECOVERY_HELPER INT64_C(4242) /* the mailbox of the device that helps */

/* For cmocka: *state is a struct factor_scenes. */
int recovery_scenes_set_up(void **state);
int recovery_scenes_tear_down(void **state);

/* The share in ada's slot. */
extern const uint8_t recovery_a[RECOVERY_A_BYTES];

/* Let the clock show now_ms, to a relay that has been awake since since_ms. */
void recovery_set_clock(struct factor_scenes *scenes, int64_t now_ms, int64_t since_ms);

struct heard_recovery {
    bool done;
    enum recoveries_result result;
    struct recoveries_view view;
    struct recovery_token token;
    uint8_t a[RECOVERY_A_BYTES];
    int64_t slot;
    size_t packet_size;
    int64_t until;
    int64_t last_seq;
};

/* Begin for ada, or for a handle. */
void recovery_begin_start(struct temp_domain *by, const struct factor_scenes *scenes,
                          const char *handle, const struct grant *grant,
                          struct heard_recovery *heard);
struct heard_recovery recovery_begin(struct factor_scenes *scenes, const char *handle,
                                     const struct grant *grant);

/* A step of who asks, or of the device that helps. */
void recovery_step_start(struct temp_domain *by, const struct heard_recovery *begun,
                         const struct recoveries_step *step, int64_t now_ms,
                         struct heard_recovery *heard);
struct heard_recovery recovery_step(struct factor_scenes *scenes,
                                    const struct heard_recovery *begun,
                                    const struct recoveries_step *step);

/* The same, named: exchange n with a commit of byte, answers and reveals of byte. */
struct heard_recovery recovery_exchange(struct factor_scenes *scenes,
                                        const struct heard_recovery *begun, int64_t n,
                                        uint8_t byte);
struct heard_recovery recovery_answer(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun, int64_t n, uint8_t byte,
                                      int64_t mailbox);
struct heard_recovery recovery_reveal(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun, int64_t n, uint8_t byte);
struct heard_recovery recovery_packet(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun, int64_t n, int64_t slot,
                                      int64_t mailbox);
struct heard_recovery recovery_release(struct factor_scenes *scenes,
                                       const struct heard_recovery *begun);
struct heard_recovery recovery_withdraw(struct factor_scenes *scenes,
                                        const struct heard_recovery *begun);

/* By the next command of ada's device 2. */
struct heard_recovery recovery_cancel(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun);
void recovery_cancel_start(struct factor_scenes *scenes, const struct heard_recovery *begun,
                           struct heard_recovery *heard);

/* Begin for ada and go as far as the packet, for a slot; or begin and go on with what begun says. */
void recovery_meet(struct factor_scenes *scenes, const struct heard_recovery *begun, int64_t slot);
struct heard_recovery recovery_begin_and_meet(struct factor_scenes *scenes);

/* Put a share into a slot, or empty it, by the next command of a device of ada's. */
enum recovery_contacts_result recovery_put(struct factor_scenes *scenes, uint32_t device_id,
                                           int64_t slot, const uint8_t *a,
                                           const struct grant *grant);
enum recovery_contacts_result recovery_remove(struct factor_scenes *scenes, uint32_t device_id,
                                              int64_t slot, const struct grant *grant);

/* Erase ada's account. */
void recovery_erase(struct factor_scenes *scenes);
