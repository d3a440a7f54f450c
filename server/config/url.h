/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two kinds of URL in the configuration, each in the one spelling that
 * everybody who signs or compares it must use.  Pure; any thread.
 */
#pragma once

#include "common/bytes.h"

/*
 * Check a base URL: http or https, a host of lower-case letters, digits, dots
 * and hyphens (or an IPv6 address in brackets), a port that is not the scheme's
 * own, path segments of letters, digits and "._~-" without a slash at the end,
 * at most 255 bytes.  NULL when it is one, else what is wrong (static text).
 */
const char *url_base_fault(const char *url);

/* View the host of a URL that url_base_fault or url_origin_fault takes; the URL without its path. */
struct bytes url_host(const char *url);
struct bytes url_origin(const char *url);

/* Check a host's name as it may stand in such a URL. */
const char *url_host_fault(const char *host);

/* Check a web origin (RFC 6454 section 6.2): the same without a path. */
const char *url_origin_fault(const char *url);
