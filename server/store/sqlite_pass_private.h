/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of SQLite that lies over another one and hands every call down.  A layer
 * copies the methods and puts its own where it does more; these may call the
 * ones here with the same file.  Any thread, as SQLite uses the file.
 */
#pragma once

#include <sqlite3.h>

/* First in the layer's own struct. */
struct sqlite_pass {
    sqlite3_file base;
    sqlite3_file *under; /* opened */
};

/* Version 2, which has the shared index of the log; what came later is for mapped files. */
extern const sqlite3_io_methods sqlite_pass_methods;
