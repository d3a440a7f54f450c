/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of the admin socket as tables for a person; unknown members are passed over. */
#pragma once

#include <jansson.h>

void admin_print_invite(const json_t *answer);
void admin_print_invites(const json_t *answer);
void admin_print_accounts(const json_t *answer);
void admin_print_queues(const json_t *answer);
void admin_print_stats(const json_t *answer);

/* The whole answer, indented. */
void admin_print_report(const json_t *answer);

/* For calls without an answer. */
void admin_print_done(const json_t *answer);
