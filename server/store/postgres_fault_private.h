/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer to one message means for its batch, its transaction or its connection. */
#pragma once

#include <libpq-fe.h>

enum postgres_fault {
    FAULT_NONE = 0,
    FAULT_SKIPPED,   /* not run: something before it failed */
    FAULT_CONFLICT,  /* a constraint */
    FAULT_STATEMENT, /* the statement or its parameters are wrong */
    FAULT_AGAIN,     /* the transaction met another one: the same again may do */
    FAULT_BUSY,      /* the server is short of something, or it took too long */
    FAULT_FULL,      /* no space */
    FAULT_READ_ONLY, /* a write where none may be: in a read, or the server became a standby */
    FAULT_LOST       /* this connection is of no more use */
};

enum postgres_fault postgres_fault_of(const PGresult *result);
