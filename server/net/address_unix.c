/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets to listen on.  A socket stays in its folder when its daemon is
 * killed, so one that nobody answers on is replaced; who may connect is said by
 * its mode and group, set before it listens.
 */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"
#include "server/net/listener_private.h"

enum {
    UNIX_MODE_DIGITS = 5,
    UNIX_GROUP_BYTES = 64,
    GROUP_ENTRY_BYTES = 65536 /* a group's line, with the names of all its members */
};

static const char unix_prefix[] = "unix:";
static const char mode_part[] = "mode=";
static const char group_part[] = "group=";

struct unix_place {
    struct sockaddr_un address;
    mode_t mode;
    char group[UNIX_GROUP_BYTES]; /* "": the daemon's own */
};

static bool read_mode(const char *text, size_t size, mode_t *out)
{
    mode_t mode = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '7') {
            return false;
        }
        mode = mode * 8 + (mode_t)(text[i] - '0');
    }
    *out = mode;
    return size > 0 && size <= UNIX_MODE_DIGITS && (mode & ~0777U) == 0;
}

static bool read_group(const char *text, size_t size, char out[UNIX_GROUP_BYTES])
{
    if (size == 0 || size >= UNIX_GROUP_BYTES) {
        return false;
    }
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

/* Read "mode=0660" or "group=NAME". */
static bool read_part(const char *text, size_t size, struct unix_place *out)
{
    size_t mode = strlen(mode_part);
    size_t group = strlen(group_part);

    if (strncmp(text, mode_part, mode) == 0) {
        return read_mode(text + mode, size - mode, &out->mode);
    }
    return strncmp(text, group_part, group) == 0 &&
           read_group(text + group, size - group, out->group);
}

/* A path may have commas in it: it ends where the first part begins. */
static size_t path_size(const char *text)
{
    size_t size = strlen(text);
    const char *const ends[] = { strstr(text, ",mode="), strstr(text, ",group=") };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends[i] != NULL && (size_t)(ends[i] - text) < size) {
            size = (size_t)(ends[i] - text);
        }
    }
    return size;
}

/* Split "/path[,mode=0660][,group=NAME]". */
static bool split_unix(const char *text, struct unix_place *out)
{
    size_t size = path_size(text);

    if (text[0] != '/' || size >= sizeof out->address.sun_path) {
        return false;
    }
    *out = (struct unix_place){ .address = { .sun_family = AF_UNIX }, .mode = 0660 };
    memcpy(out->address.sun_path, text, size);
    for (text += size; text[0] == ','; text += size) {
        text++;
        size = strcspn(text, ",");
        if (!read_part(text, size, out)) {
            return false;
        }
    }
    return true;
}

/* Find a group by its name, or its number; false when there is none. */
static bool find_group(const char *name, gid_t *out)
{
    struct group entry;
    struct group *found = NULL;
    char *room = NULL;

    if (name[strspn(name, "0123456789")] == '\0') {
        *out = (gid_t)strtoul(name, NULL, 10);
        return true;
    }
    room = mem_raw(GROUP_ENTRY_BYTES);
    bool known = getgrnam_r(name, &entry, room, GROUP_ENTRY_BYTES, &found) == 0 && found != NULL;
    if (known) {
        *out = entry.gr_gid;
    }
    free(room);
    return known;
}

/* Give the socket to the group that place names; false with a sentence. */
static bool give_to_group(const struct unix_place *place, struct listen_error error)
{
    const char *path = place->address.sun_path;
    gid_t group = (gid_t)-1;

    if (place->group[0] == '\0') {
        return true;
    }
    if (!find_group(place->group, &group)) {
        return address_fail(error, "cannot give %s to the group %s: there is none of that name",
                            path, place->group);
    }
    if (chown(path, (uid_t)-1, group) != 0) {
        return address_fail(
            error,
            "cannot give %s to the group %s: %s; the daemon's user must be a member of "
            "it, also where the unit has PrivateUsers",
            path, place->group, strerrordesc_np(errno));
    }
    return true;
}

/* Remove a socket that nobody answers on; whatever else stands there stays. */
static bool clear_path(const struct sockaddr_un *address, struct listen_error error)
{
    struct stat found;

    if (lstat(address->sun_path, &found) != 0) {
        return true; /* nothing there, or bind will say what is wrong */
    }
    if (!S_ISSOCK(found.st_mode)) {
        return address_fail(error, "%s exists and is not a socket: remove it or name another path",
                            address->sun_path);
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool dead = probe >= 0 &&
                connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 &&
                errno == ECONNREFUSED;
    if (probe >= 0) {
        (void)close(probe);
    }
    if (!dead) {
        return address_fail(
            error, "%s is in use: stop the program that listens there, or name another path",
            address->sun_path);
    }
    if (unlink(address->sun_path) != 0) {
        return address_fail(error, "cannot replace the stale socket %s: %s", address->sun_path,
                            strerrordesc_np(errno));
    }
    return true;
}

static const char *bind_advice(int why)
{
    if (why == ENOENT) {
        return "; its folder is missing: make it, as RuntimeDirectory= of the unit does";
    }
    return why == EACCES ? "; the daemon's user must be allowed to write in its folder" : "";
}

/* Bind a socket to what place says and listen; false with a sentence, and nothing is left. */
static bool open_unix(struct listener *listener, const struct unix_place *place,
                      struct listen_error error)
{
    const char *path = place->address.sun_path;
    struct stat made;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&place->address, sizeof place->address) != 0) {
        int why = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return address_fail(error, "cannot listen on %s: %s%s", path, strerrordesc_np(why),
                            bind_advice(why));
    }
    /* Owner and mode are set between bind and listen: before, nobody can connect. */
    bool given = give_to_group(place, error);
    if (!given || chmod(path, place->mode) != 0 || listen(fd, LISTEN_BACKLOG) != 0 ||
        stat(path, &made) != 0) {
        int why = errno;
        (void)close(fd);
        (void)unlink(path);
        if (given) {
            (void)address_fail(error, "cannot listen on %s: %s", path, strerrordesc_np(why));
        }
        return false;
    }
    listener->fd = fd;
    listener->unix_path = mem_text(path);
    listener->unix_device = made.st_dev;
    listener->unix_inode = made.st_ino;
    return true;
}

bool address_listen_unix(struct listener *listener, const char *where, struct listen_error error)
{
    struct unix_place place;

    if (!split_unix(where + strlen(unix_prefix), &place)) {
        return address_fail(error,
                            "\"%s\" is no place to listen: write unix:/absolute/path[,mode=0660]"
                            "[,group=NAME], the path shorter than 108 bytes",
                            where);
    }
    return clear_path(&place.address, error) && open_unix(listener, &place, error);
}
