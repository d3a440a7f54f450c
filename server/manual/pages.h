/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of manual pages that come from tables, man(7).  Pure; any thread. */
#pragma once

struct buf;

/* Append an entry for each option of sealpostd. */
void pages_daemon_options(struct buf *out);

/* Append an entry for each option of the configuration: default, help, values, what applies it. */
void pages_config_options(struct buf *out);

/* Append an entry for each command of sealpost, and for each of its options. */
void pages_commands(struct buf *out);
void pages_command_options(struct buf *out);
