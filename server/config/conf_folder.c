/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/conf_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/mem.h"
#include "server/config/conf_file.h"
#include "server/config/fault.h"

enum {
    ALL_BITS = 07777
};

static const char folder_name[] = "conf.d";
static const char file_ending[] = ".conf";

struct names {
    char *of[CONF_FOLDER_MAX_FILES];
    size_t count;
};

/* Append "FOLDER/NAME" and a NUL, FOLDER being as much of path as size says. */
static const char *join(const char *path, size_t size, const char *name, struct buf *out)
{
    buf_append(out, bytes_of(path, size));
    buf_append_text(out, name);
    buf_append_u8(out, 0);
    return (const char *)out->at;
}

static bool is_ours(const char *name)
{
    size_t size = strlen(name);
    size_t ending = strlen(file_ending);

    return name[0] != '.' && size > ending && strcmp(name + size - ending, file_ending) == 0;
}

static bool names_read(DIR *dir, const char *folder, struct names *names, const struct fault *fault)
{
    const struct dirent *entry = NULL;

    errno = 0;
    /* cppcheck-suppress readdirCalled */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): dir is ours alone */
    while ((entry = readdir(dir)) != NULL) {
        if (!is_ours(entry->d_name)) {
            continue;
        }
        if (names->count == CONF_FOLDER_MAX_FILES) {
            return fault_say(fault, "%s: has more than %d files; is it the right folder?", folder,
                             CONF_FOLDER_MAX_FILES);
        }
        names->of[names->count++] = mem_text(entry->d_name);
        errno = 0;
    }
    return errno == 0 || fault_say(fault, "%s: cannot be read (%s)", folder, fault_reason(errno));
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool folder_is_closed(int fd, const char *folder, const struct fault *fault)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        return fault_say(fault, "%s: cannot be read (%s)", folder, fault_reason(errno));
    }
    return (status.st_mode & S_IWOTH) == 0 ||
           fault_say(fault, "%s: others may write into it (mode %04o); run: chmod o-w %s", folder,
                     status.st_mode & ALL_BITS, folder);
}

/* Takes fd. */
static bool list(int fd, const char *folder, struct names *names, const struct fault *fault)
{
    DIR *dir = folder_is_closed(fd, folder, fault) ? fdopendir(fd) : NULL;
    bool good = false;

    if (dir == NULL) {
        (void)close(fd);
        return fault_say(fault, "%s: cannot be read", folder);
    }
    good = names_read(dir, folder, names, fault);
    (void)closedir(dir);
    qsort(names->of, names->count, sizeof names->of[0], compare);
    return good;
}

static bool read_files(const char *folder, const struct names *names, struct settings *settings,
                       const struct fault *fault)
{
    bool good = true;

    for (size_t i = 0; good && i < names->count; i++) {
        struct buf file = { 0 };
        buf_append_format(&file, "%s/%s", folder, names->of[i]);
        buf_append_u8(&file, 0);
        good = conf_file_read((const char *)file.at, settings, fault);
        buf_clear(&file);
    }
    return good;
}

/* A link that leads nowhere is a mistake; no folder is none. */
static bool may_be_missing(const char *folder, int error)
{
    struct stat status;

    return error == ENOENT && lstat(folder, &status) != 0;
}

static bool folder_read(const char *folder, struct settings *settings, const struct fault *fault)
{
    struct names names = { .count = 0 };
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = false;

    if (fd < 0) {
        int error = errno;
        return may_be_missing(folder, error) ||
               fault_say(fault,
                         "%s: cannot be opened as a folder (%s); check it and its permissions",
                         folder, fault_reason(error));
    }
    good = list(fd, folder, &names, fault) && read_files(folder, &names, settings, fault);
    for (size_t i = 0; i < names.count; i++) {
        free(names.of[i]);
    }
    return good;
}

bool conf_folder_read(const char *path, struct settings *settings, const struct fault *fault)
{
    const char *slash = strrchr(path, '/');
    struct buf folder = { 0 };
    bool good = folder_read(
        join(path, slash == NULL ? 0 : (size_t)(slash + 1 - path), folder_name, &folder), settings,
        fault);

    buf_clear(&folder);
    return good;
}
