/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account with several admins, on a relay that holds what one of them orders against another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/commands.h"
#include "server/domain/holds.h"
#include "server/domain/holds_veto.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/people.h"

#define HOLDING_S INT64_C(3600)
#define HOLDING_DUE_MS \
    (SCENE_NOW_MS + HOLDING_S * 1000) /* what is ordered at SCENE_NOW_MS is due */
#define HOLDING_COUNT_SQL "SELECT count(*) FROM holds"
#define HOLDING_EPOCH_SQL "SELECT epoch FROM accounts"

struct holding {
    struct temp_domain temp;
    struct person ada; /* devices 1 and 2 (ADMIN), and 3 */
};

/* For cmocka: *state is a struct holding. */
int holding_set_up(void **state);
int holding_tear_down(void **state);

/* Let person go on without device gone, by the signature of device signer alone. */
void holding_without(const struct person *person, uint32_t gone, uint32_t signer,
                     struct person *out);

/* Put the person's manifest and expect that it is held. */
void holding_expect(struct holding *holding, const struct person *person);

/* Do what is due at now_ms, as a relay that is awake since long; how many were done. */
size_t holding_run_at(struct holding *holding, int64_t now_ms);

struct holding_veto {
    bool done;
    struct holds_outcome outcome;
};

/* Veto as a device of ada; order names what is meant.  Begin, or begin and wait. */
void holding_veto_start(struct holding *holding, const struct holds_veto *order, uint32_t device_id,
                        int64_t seq, struct holding_veto *heard);
struct holds_outcome holding_veto(struct holding *holding, const struct holds_veto *order,
                                  uint32_t device_id, int64_t seq);

/* Name the manifest of a person. */
struct holds_veto holding_order(const struct person *person);

/* The command of a device of ada. */
struct command_guard holding_guard(struct holding *holding, uint32_t device_id, int64_t seq);
