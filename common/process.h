/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that holds secrets owes them: no file with its memory.  Main thread. */
#pragma once

/* The size of a core file: none.  Of what is handed to a program instead, it says nothing. */
void process_forbid_core_files(void);

/*
 * No core of any kind, no debugger by the same user, and /proc/<pid> is root's
 * (prctl(2), PR_SET_DUMPABLE).
 */
void process_forbid_dumps(void);

/*
 * Both, first thing in main.  Where a sanitizer is built in only the former: its leak
 * checker looks into the process like a debugger.
 */
void process_keep_secrets(void);
