/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    PORT_MAX_DIGITS = 5,
    MODE_DIGITS = 4,
    MODE_MAX = 0777,
    MODE_OWNER = 0600,
    GROUP_MAX_BYTES = 32, /* as useradd's */
    PORT_MAX = 65535,
    LOOPBACK_NET = 127
};

static const char bad_form[] =
    "write ADDRESS:PORT, [IPV6]:PORT or unix:/path, with a numeric address";
static const char bad_port[] = "its port must be a number from 0 (any free one) to 65535";
static const char bad_path[] = "a socket's path must begin with a slash";
static const char long_path[] = "a socket's path must be shorter than 108 bytes";

static bool is_unix(const char *address)
{
    return strncmp(address, "unix:", strlen("unix:")) == 0;
}

/* Copy the host of ADDRESS:PORT to host, without brackets; NULL or the port. */
static const char *split(const char *address, char *host, size_t host_size, bool *out_is_v6)
{
    const char *colon = strrchr(address, ':');
    const char *end = colon;

    if (colon == NULL) {
        return NULL;
    }
    *out_is_v6 = address[0] == '[';
    if (*out_is_v6) {
        address++;
        end--;
        if (end < address || *end != ']') {
            return NULL;
        }
    }
    if ((size_t)(end - address) >= host_size) {
        return NULL;
    }
    memcpy(host, address, (size_t)(end - address));
    host[end - address] = '\0';
    return colon + 1;
}

static bool port_is_good(const char *port)
{
    size_t size = strspn(port, "0123456789");

    return size > 0 && size <= PORT_MAX_DIGITS && port[size] == '\0' &&
           strtol(port, NULL, 10) <= PORT_MAX;
}

const char *address_socket_fault(const char *path)
{
    if (path[0] != '/') {
        return bad_path;
    }
    return strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path ? NULL : long_path;
}

const char *address_mode_fault(const char *mode)
{
    size_t size = strspn(mode, "01234567");

    if (size == 0 || size > MODE_DIGITS || mode[size] != '\0' || strtol(mode, NULL, 8) > MODE_MAX) {
        return "write an octal mode from 0600 to 0777, like 0660";
    }
    return (strtol(mode, NULL, 8) & MODE_OWNER) == MODE_OWNER
               ? NULL
               : "its owner must be allowed to read and write it: write one like 0660";
}

const char *address_group_fault(const char *group)
{
    /* What Debian's adduser takes, and numbers. */
    size_t size =
        strspn(group, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return size <= GROUP_MAX_BYTES && group[size] == '\0'
               ? NULL
               : "write the name of a group, or its number";
}

const char *address_fault(const char *address)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr parsed; /* the larger of both kinds */
    bool is_v6 = false;
    const char *port = NULL;

    if (is_unix(address)) {
        return address_socket_fault(address + strlen("unix:"));
    }
    port = split(address, host, sizeof host, &is_v6);
    if (port == NULL || inet_pton(is_v6 ? AF_INET6 : AF_INET, host, &parsed) != 1) {
        return bad_form;
    }
    return port_is_good(port) ? NULL : bad_port;
}

bool address_is_local(const char *address)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr v4 = { 0 };
    struct in6_addr v6 = { 0 };
    bool is_v6 = false;

    if (is_unix(address)) {
        return true;
    }
    if (split(address, host, sizeof host, &is_v6) == NULL) {
        return false;
    }
    if (is_v6) {
        return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == LOOPBACK_NET;
}
