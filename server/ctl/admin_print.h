/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of the admin socket as tables for a person; unknown members are passed over.
 * Nothing is changed; jansson walks an object only as one that may change.
 */
#pragma once

#include <jansson.h>

void admin_print_invite(json_t *answer);
void admin_print_invites(json_t *answer);
void admin_print_accounts(json_t *answer);
void admin_print_factors(json_t *answer);
void admin_print_keys(json_t *answer);
void admin_print_keyring(json_t *answer);
void admin_print_rotated(json_t *answer);
void admin_print_retired(json_t *answer);
void admin_print_queues(json_t *answer);
void admin_print_stats(json_t *answer);

/* The whole answer, indented. */
void admin_print_report(json_t *answer);

/* For calls without an answer. */
void admin_print_done(json_t *answer);
