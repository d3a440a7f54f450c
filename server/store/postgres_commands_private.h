/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own statements: transactions, settings, listening.  Constant. */
#pragma once

enum postgres_command {
    COMMAND_BEGIN = 0,
    COMMAND_BEGIN_READ,
    COMMAND_SETTINGS,   /* of this transaction, whatever a pooler left behind */
    COMMAND_NO_TIMEOUT, /* a commit that waits for a standby must not be cut short: it would count */
    COMMAND_NO_SYNC,    /* this transaction need not last */
    COMMAND_COMMIT,
    COMMAND_ROLLBACK,
    COMMAND_SAVE,
    COMMAND_RELEASE,
    COMMAND_UNDO,
    COMMAND_SESSION, /* settings of the connection; its last column is the process that serves us */
    COMMAND_LISTEN,
    COMMAND_TELL, /* $1: the payload */
    COMMAND_COUNT
};

extern const char *const postgres_commands[COMMAND_COUNT];

/* Of the migrations: one daemon at a time. */
extern const char postgres_begin_migrations[];
