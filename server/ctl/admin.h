/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's commands: HTTP with JSON on the relay's admin socket, which only the
 * relay's user and root may open.  See command.c.
 */
#pragma once

#include "server/ctl/exit_code.h"

struct arguments;

enum exit_code admin_invite_create(const struct arguments *arguments);
enum exit_code admin_invite_list(const struct arguments *arguments);
enum exit_code admin_invite_revoke(const struct arguments *arguments);
enum exit_code admin_account_list(const struct arguments *arguments);
enum exit_code admin_account_show(const struct arguments *arguments);
enum exit_code admin_account_erase(const struct arguments *arguments);
enum exit_code admin_account_factors(const struct arguments *arguments);
enum exit_code admin_keys_stats(const struct arguments *arguments);
enum exit_code admin_keyring_list(const struct arguments *arguments);
enum exit_code admin_keyring_rotate(const struct arguments *arguments);
enum exit_code admin_keyring_retire(const struct arguments *arguments);
enum exit_code admin_queue(const struct arguments *arguments);
enum exit_code admin_stats(const struct arguments *arguments);
enum exit_code admin_db_restored(const struct arguments *arguments);

/* Make an invite for one use in the name of another command; NULL when that does not work,
 * with nothing said.  The caller frees it. */
char *admin_invite(const struct arguments *arguments);
