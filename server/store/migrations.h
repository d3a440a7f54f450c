/* SPDX-License-Identifier: Apache-2.0 */
/* The migrations that the build embedded; tables end with version 0. */
#pragma once

struct migration {
    int version;      /* 1, 2, ...; the number in the file's name */
    const char *name; /* the file's name less its ending */
    const char *sql;  /* its whole text */
};

extern const struct migration migrations_sqlite[];
extern const struct migration migrations_postgres[];
