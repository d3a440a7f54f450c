/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/otpauth.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/totp.h"
#include "common/utf8.h"

enum {
    DELETE_CHARACTER = 0x7f, /* and below a space, controls of ASCII */
    C1_LEAD = 0xc2,          /* of U+0080 to U+009f, which terminals obey */
    C1_END = 0xa0
};

static bool is_control(struct bytes text, size_t at)
{
    uint8_t byte = text.at[at];

    return byte < ' ' || byte == DELETE_CHARACTER ||
           (byte == C1_LEAD && at + 1 < text.size && text.at[at + 1] < C1_END);
}

bool otpauth_is_name(struct bytes name, size_t max)
{
    if (name.size == 0 || name.size > max || !utf8_is_valid(name)) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (name.at[i] == ':' || is_control(name, i)) {
            return false;
        }
    }
    return true;
}

static bool is_secret(struct bytes secret)
{
    if (secret.size != TOTP_SECRET_CHARS) {
        return false;
    }
    for (size_t i = 0; i < secret.size; i++) {
        uint8_t letter = secret.at[i];
        if (!((letter >= 'A' && letter <= 'Z') || (letter >= '2' && letter <= '7'))) {
            return false;
        }
    }
    return true;
}

static bool is_unreserved(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static void append_encoded(struct buf *out, struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (is_unreserved(name.at[i])) {
            buf_append_u8(out, name.at[i]);
        } else {
            buf_append_format(out, "%%%02X", (unsigned)name.at[i]);
        }
    }
}

bool otpauth_write(const struct otpauth *parts, struct buf *out)
{
    if (!otpauth_is_name(parts->issuer, OTPAUTH_ISSUER_MAX) ||
        !otpauth_is_name(parts->account, OTPAUTH_ACCOUNT_MAX) || !is_secret(parts->secret)) {
        return false;
    }
    buf_reserve(out, OTPAUTH_URI_MAX); /* one block, so that there is one to wipe */
    buf_append_text(out, "otpauth://totp/");
    append_encoded(out, parts->issuer);
    buf_append_u8(out, ':');
    append_encoded(out, parts->account);
    buf_append_text(out, "?secret=");
    buf_append(out, parts->secret);
    buf_append_text(out, "&issuer=");
    append_encoded(out, parts->issuer);
    buf_append_text(out, "&algorithm=SHA1&digits=6&period=30");
    return true;
}

struct bytes otpauth_issuer(const char *base_url)
{
    const char *scheme_end = strstr(base_url, "://");
    const char *host = scheme_end == NULL ? base_url : scheme_end + 3;
    struct bytes name = bytes_of(host, strcspn(host, ":/"));

    return otpauth_is_name(name, OTPAUTH_ISSUER_MAX) && name.at[0] != '[' ? name
                                                                          : bytes_text("Sealpost");
}
