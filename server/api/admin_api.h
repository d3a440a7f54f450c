/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes of the admin socket: what the `sealpost` command asks for.  Whoever can
 * open the socket is the operator; nothing here can add a device or read mail.
 */
#pragma once

#include <stddef.h>

#include "server/http/route.h"

extern const struct http_route admin_routes[];
extern const size_t admin_route_count;

http_handler_fn admin_invites_create;
http_handler_fn admin_invites_list;
http_handler_fn admin_invites_revoke;
http_handler_fn admin_accounts_list;
http_handler_fn admin_accounts_show;
http_handler_fn admin_accounts_erase;
http_handler_fn admin_factors_list;
http_handler_fn admin_factors_remove;
http_handler_fn admin_keys_stats;
http_handler_fn admin_queues;
http_handler_fn admin_stats;
http_handler_fn admin_restored;
http_handler_fn admin_keyring_list;
http_handler_fn admin_keyring_rotate;
http_handler_fn admin_keyring_retire;
