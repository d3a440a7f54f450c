/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page cache that forgets, for power cuts without a power switch: a library
 * for LD_PRELOAD.
 *
 *   $VC_DIR   what the program sees: ordinary files on a tmpfs, so that locks,
 *             mappings and stat are the kernel's own
 *   $VC_DISK  what would be on the disk: only fsync and fdatasync copy there,
 *             of a file its dirty pages and its size, of a folder its names
 *
 * When a program starts under the shim, $VC_DIR is filled anew from $VC_DISK.  So
 * killing the program at any moment and starting it again is a power cut: what
 * was not synced is gone, also a rename whose folder was not.  Inside $VC_DISK the
 * folder ".vc" holds one link to every file, whether it has a name yet or not.
 *
 * Further modes, each by a variable of the environment:
 *   VC_SEED=n     seeds whatever is random below
 *   VC_KEEP=1     do not fill $VC_DIR: the program died, the machine did not.  No page
 *                 that differs from the disk is dirty: the worst that may be
 *   VC_CUT_AT=n   cut before the n-th write, truncation or sync (as SIGUSR2 does at any
 *                 time): of each file a random subset of the dirty pages reaches the
 *                 disk, of each folder its names or not; exit code SHIM_CUT
 *   VC_FAIL_AT=n  the n-th sync fails with EIO and its pages count as clean, as Linux
 *                 has it: later syncs succeed and never write them
 *   VC_EVICT=1    besides, these pages leave the cache: reading them gives the disk's
 *   VC_LIMIT=path that file holds a number: the files may have that many bytes together,
 *                 beyond it is ENOSPC.  Looked at with each write that makes a file longer
 *   VC_LIE=1      a sync that fails says that all went well; without VC_FAIL_AT each one
 *                 fails so: a disk to catch
 *
 * mmap is for files that nobody syncs, as SQLite's shared index: a write through a
 * mapping is not seen.  Everything here runs with the lock of shim_enter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SHIM_CUT = 98, /* the exit code after a cut */
    SHIM_BROKEN = 99,
    SHIM_PATH_BYTES = 1024,
    SHIM_PAGE_BYTES = 4096,
    SHIM_PAGES_MAX = 65536, /* a file of 256 MiB */
    SHIM_FILES_MAX = 512
};

/* A file of $VC_DIR, with its other self on the disk. */
struct shim_file {
    ino_t ino;       /* in $VC_DIR, where no number is given twice; 0: free */
    int cache;       /* the file, open to read.  Never closed: that would end SQLite's locks */
    int disk;        /* its other self, open to read and write */
    off_t shrunk_to; /* the shortest it was since its last sync; -1: it was not cut */
    size_t page_end; /* no page from here on is dirty */
    uint8_t dirty[SHIM_PAGES_MAX / 8];
};

/* What the environment asked for. */
struct shim_modes {
    char dir[SHIM_PATH_BYTES]; /* empty: the shim does nothing */
    char disk[SHIM_PATH_BYTES];
    char limit[SHIM_PATH_BYTES];
    uint64_t seed;
    long cut_at;
    long fail_at;
    bool keep;
    bool evict;
    bool lie;
};

/* shim_fault.c */
const struct shim_modes *shim_modes(void);
void shim_enter(void); /* take the lock */
void shim_leave(void);
_Noreturn void shim_die(const char *what); /* the shim itself cannot go on; exit code SHIM_BROKEN */
uint64_t shim_random(void);
void shim_fault_step(void);             /* count one change; cuts when it is the one */
bool shim_fault_fails(void);            /* count one sync; true: it fails */
bool shim_fault_is_full(int64_t bytes); /* whether so many more bytes do not fit */
int64_t shim_fault_room(void);          /* bytes that still fit; INT64_MAX: no limit */

/* shim_file.c */
struct shim_file *shim_file_of(int fd);                       /* NULL: not one of ours */
struct shim_file *shim_file_at(const char *path);             /* path names a file in $VC_DIR */
void shim_file_bind(const char *path, const char *disk_path); /* both are there */
void shim_file_mark(struct shim_file *file, off_t at, size_t size);
void shim_file_shrink(struct shim_file *file, off_t size);
void shim_file_sync(struct shim_file *file);
void shim_file_drop(struct shim_file *file); /* what is dirty counts as clean */
void shim_file_tear(void);                   /* of each file a random part of what was not synced */

/* shim_name.c: folders and paths are those of $VC_DIR. */
void shim_name_fill(void);                                 /* from $VC_DISK, and bind the files */
bool shim_name_of(int fd, char out_path[SHIM_PATH_BYTES]); /* false: not in $VC_DIR */
int shim_name_stash(ino_t ino); /* a new file on the disk that has no name yet */
void shim_name_sync(const char *folder);
void shim_name_tear(void);    /* sync some folders */
int64_t shim_name_used(void); /* bytes of all files */
