/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The URI that an authenticator app scans, in the form that all of them read:
 *
 *   otpauth://totp/ISSUER:ACCOUNT?secret=BASE32&issuer=ISSUER&algorithm=SHA1&digits=6&period=30
 *
 * Names are UTF-8, percent-encoded but for the unreserved letters of RFC 3986 section 2.3; they
 * hold no colon, which parts them.  Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/bytes.h"

enum {
    OTPAUTH_ISSUER_MAX = 253, /* bytes, as many as a host's name has */
    OTPAUTH_ACCOUNT_MAX = 64, /* bytes */
    OTPAUTH_URI_MAX = 2048    /* bytes of the longest, each byte of its names encoded */
};

struct otpauth {
    struct bytes issuer;  /* 1 to OTPAUTH_ISSUER_MAX bytes */
    struct bytes account; /* 1 to OTPAUTH_ACCOUNT_MAX bytes */
    struct bytes secret;  /* TOTP_SECRET_CHARS of base32 */
};

/* Say whether name can stand in a URI: text of 1 to max bytes without controls and colons. */
bool otpauth_is_name(struct bytes name, size_t max);

/*
 * Append the URI, which is as secret as the secret.  False, and nothing is appended, when a
 * name or the secret is not as it has to be.
 */
bool otpauth_write(const struct otpauth *parts, struct buf *out);

/* The issuer that a relay's base URL names: its host; "Sealpost" for an address with colons. */
struct bytes otpauth_issuer(const char *base_url);
