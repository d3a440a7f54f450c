/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"

enum {
    TEMP_DIR_DESCRIPTORS = 16
};

void temp_dir_create(char out_path[TEMP_DIR_BYTES])
{
    const char *top = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): no thread sets it */
    int size = snprintf(out_path, TEMP_DIR_BYTES, "%s/sealpost-XXXXXX", top == NULL ? "/tmp" : top);

    CHECK(size > 0 && size < TEMP_DIR_BYTES);
    CHECK(mkdtemp(out_path) != NULL);
}

static int on_entry(const char *path, const struct stat *entry, int kind, struct FTW *where)
{
    (void)entry;
    (void)kind;
    (void)where;
    return remove(path);
}

void temp_dir_remove(const char *path)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): it changes no folder without FTW_CHDIR */
    CHECK(nftw(path, on_entry, TEMP_DIR_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0);
}
