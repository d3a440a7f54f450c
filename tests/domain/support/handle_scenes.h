/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that tests of handles take again and again: two people, their bindings,
 * claims, releases and lookups.  Each runs the loop until its answer is there,
 * unless it says "start".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/handle.h"
#include "server/domain/commands.h"
#include "server/domain/handles.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"

struct handles_setting {
    struct temp_domain temp;
    struct person ada; /* devices 1 (ADMIN) and 2 */
    struct person bob;
    int64_t command_seq;
};

/* For cmocka: open a domain in which both are registered, and close it. */
int handles_set_up(void **state);
int handles_tear_down(void **state);

/* Append a binding of name to the person's account, signed by its device device_id. */
void handles_sign(struct buf *out, struct person *person, uint32_t device_id, const char *name,
                  int64_t seq);

struct heard_handle {
    bool done;
    struct handles_outcome outcome;
};

/* Claim by the bytes of a binding; or by one that device 1 of person signs. */
void handles_claim_start(struct temp_domain *temp, struct bytes input, int64_t now_ms,
                         struct heard_handle *heard);
struct handles_outcome handles_claim_bytes(struct handles_setting *setting, struct bytes input,
                                           int64_t now_ms);
struct handles_outcome handles_claim_at(struct handles_setting *setting, struct person *person,
                                        const char *name, int64_t seq, int64_t now_ms);
enum handles_result handles_claim_by(struct handles_setting *setting, struct person *person,
                                     const char *name, int64_t seq);

/* Give up by a command; or by the next command of a device. */
struct handles_outcome handles_release_with(struct handles_setting *setting, struct person *person,
                                            const char *name, const struct command_guard *guard);
enum handles_result handles_release_by(struct handles_setting *setting, struct person *person,
                                       uint32_t device_id, const char *name);

struct heard_found {
    bool done;
    bool ok;
    bool known;
    struct account_id account_id;
    uint8_t binding[HANDLE_BINDING_MAX_BYTES];
    size_t binding_size;
};
struct heard_found handles_look_up(struct handles_setting *setting, const char *name);

/* Say whose a name is, when the store can. */
bool handles_is_nobodys(struct handles_setting *setting, const char *name);
bool handles_is_of(struct handles_setting *setting, const char *name, const struct person *person);

/* Erase the person's account. */
void handles_erase(struct handles_setting *setting, struct person *person);
