/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/limits.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum {
    HOST_MAX_BYTES = 253,
    LABEL_MAX_BYTES = 63,
    PORT_MAX_DIGITS = 5,
    PORT_MAX = 65535
};

static const char no_scheme[] = "it must begin with https:// (or http://), in lower case";
static const char bad_host[] =
    "its host must be a name in lower case (labels of letters, digits and hyphens), or an address";
static const char bad_port[] = "its port must be a number from 1 to 65535 without leading zeros";
static const char default_port[] = "leave the port out: it is the scheme's own";
static const char bad_path[] =
    "its path must be segments of letters, digits and . _ ~ -, other than . and ..";
static const char last_slash[] = "it must not end with a slash";
static const char too_long[] = "it must not have more than 255 bytes";
static const char no_path[] = "an origin has no path; end it behind host and port";

/* Labels of letters, digits and inner hyphens (RFC 1123 section 2.1); IPv4 is spelt so too. */
static bool name_is_good(const char *name, size_t size)
{
    size_t label = 0;

    if (size == 0 || size > HOST_MAX_BYTES || strspn(name, LOWER DIGITS "-.") < size) {
        return false;
    }
    for (size_t i = 0; i <= size; i++) {
        if (i < size && name[i] != '.') {
            label++;
            continue;
        }
        if (label == 0 || label > LABEL_MAX_BYTES || name[i - 1] == '-' || name[i - label] == '-') {
            return false;
        }
        label = 0;
    }
    return true;
}

/* An IPv6 address in the spelling of RFC 5952, so that there is one only. */
static bool address_is_good(const char *text, size_t size)
{
    char given[INET6_ADDRSTRLEN];
    char spelt[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (size >= sizeof given) {
        return false;
    }
    memcpy(given, text, size);
    given[size] = '\0';
    return inet_pton(AF_INET6, given, &address) == 1 &&
           inet_ntop(AF_INET6, &address, spelt, sizeof spelt) != NULL && strcmp(given, spelt) == 0;
}

/* Step over the host at *at. */
static bool host_passes(const char **at)
{
    size_t size = 0;

    if (**at == '[') {
        size = strcspn(*at, "]");
        if ((*at)[size] != ']' || !address_is_good(*at + 1, size - 1)) {
            return false;
        }
        *at += size + 1;
        return true;
    }
    size = strcspn(*at, ":/");
    if (!name_is_good(*at, size)) {
        return false;
    }
    *at += size;
    return true;
}

/* Step over ":PORT" at *at, if there is one. */
static const char *port_fault(const char **at, const char *own)
{
    size_t size = 0;

    if (**at != ':') {
        return NULL;
    }
    (*at)++;
    size = strspn(*at, DIGITS);
    if (size == 0 || size > PORT_MAX_DIGITS || **at == '0' || strtol(*at, NULL, 10) > PORT_MAX) {
        return bad_port;
    }
    if (size == strlen(own) && strncmp(*at, own, size) == 0) {
        return default_port;
    }
    *at += size;
    return NULL;
}

/* Step over scheme, host and port. */
static const char *front_fault(const char **at)
{
    const char *own_port = NULL;

    if (strncmp(*at, "https://", strlen("https://")) == 0) {
        own_port = "443";
        *at += strlen("https://");
    } else if (strncmp(*at, "http://", strlen("http://")) == 0) {
        own_port = "80";
        *at += strlen("http://");
    } else {
        return no_scheme;
    }
    if (!host_passes(at)) {
        return bad_host;
    }
    return port_fault(at, own_port);
}

static const char *path_fault(const char *at)
{
    while (*at == '/') {
        size_t size = strspn(at + 1, LOWER UPPER DIGITS "._~-");
        if (size == 0) {
            return at[1] == '\0' ? last_slash : bad_path;
        }
        if (strspn(at + 1, ".") >= size && size <= 2) {
            return bad_path; /* "." and "..": clients would resolve them */
        }
        at += 1 + size;
    }
    return *at == '\0' ? NULL : bad_path;
}

const char *url_base_fault(const char *url)
{
    const char *at = url;
    const char *wrong = NULL;

    if (strlen(url) > LIMIT_AUDIENCE_BYTES) {
        return too_long;
    }
    wrong = front_fault(&at);
    return wrong != NULL ? wrong : path_fault(at);
}

const char *url_origin_fault(const char *url)
{
    const char *at = url;
    const char *wrong = front_fault(&at);

    if (wrong == NULL && *at != '\0') {
        return no_path;
    }
    return wrong;
}

struct bytes url_origin(const char *url)
{
    const char *at = strstr(url, "://");

    at = at == NULL ? url : at + strlen("://");
    return bytes_of(url, (size_t)(at - url) + strcspn(at, "/"));
}

struct bytes url_host(const char *url)
{
    const char *at = strstr(url, "://");

    at = at == NULL ? url : at + strlen("://");
    if (*at == '[') {
        size_t inside = strcspn(at, "]");
        return bytes_of(at, inside + (at[inside] == ']' ? 1 : 0));
    }
    return bytes_of(at, strcspn(at, ":/, "));
}

const char *url_host_fault(const char *host)
{
    const char *at = host;

    return host_passes(&at) && *at == '\0' ? NULL : bad_host;
}
