/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon listens: "ADDRESS:PORT", "[IPV6]:PORT" or "unix:/path".  Pure; any thread. */
#pragma once

#include <stdbool.h>

/* Check an address to listen on; NULL when it is one, else what is wrong (static text). */
const char *address_fault(const char *address);

/* Check the mode, and the group, of a unix socket; NULL when it is one, else what is wrong. */
const char *address_mode_fault(const char *mode);
const char *address_group_fault(const char *group);

/* Say whether an address without a fault is reached from this machine alone. */
bool address_is_local(const char *address);

/* Check the path of a unix socket; NULL when it is one, else what is wrong (static text). */
const char *address_socket_fault(const char *path);
