/* SPDX-License-Identifier: Apache-2.0 */
/* What sealpostd --help prints.  Any thread. */
#pragma once

struct buf;

/* Append how the daemon is called, one entry an option of server/manual/daemon_options.def. */
void usage_append(struct buf *out);
