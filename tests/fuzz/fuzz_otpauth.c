/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the names in an otpauth URI: the first byte says how long the issuer is, the rest
 * is the account.  What is written is read again by the rules of RFC 3986, gives back the same
 * names, and has no byte that a scanner, a shell or a terminal takes for something else.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/ctl/otpauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char scheme[] = "otpauth://totp/";
static const char secret[] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
static const char secret_mark[] = "?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=";
static const char rest[] = "&algorithm=SHA1&digits=6&period=30";

static uint8_t digit_of(uint8_t letter)
{
    CHECK((letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'F'));
    return (uint8_t)(letter <= '9' ? letter - '0' : letter - 'A' + 10);
}

/* Take text at *at; it has to be there. */
static void take(struct bytes uri, size_t *at, const char *text)
{
    size_t size = strlen(text);

    CHECK(uri.size - *at >= size && memcmp(uri.at + *at, text, size) == 0);
    *at += size;
}

/* Take a name up to one of enders; it has to be wanted. */
static void take_name(struct bytes uri, size_t *at, const char *enders, struct bytes wanted)
{
    struct buf name = { 0 };

    while (*at < uri.size && strchr(enders, uri.at[*at]) == NULL) {
        if (uri.at[*at] == '%') {
            CHECK(uri.size - *at >= 3);
            buf_append_u8(&name,
                          (uint8_t)(digit_of(uri.at[*at + 1]) << 4 | digit_of(uri.at[*at + 2])));
            *at += 3;
        } else {
            buf_append_u8(&name, uri.at[*at]);
            *at += 1;
        }
    }
    CHECK(bytes_equal(buf_view(&name), wanted));
    buf_clear(&name);
}

static void check_uri(struct bytes uri, const struct otpauth *parts)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~%:/?&=";
    size_t at = 0;

    CHECK(uri.size <= OTPAUTH_URI_MAX);
    for (size_t i = 0; i < uri.size; i++) {
        CHECK(uri.at[i] != 0 && strchr(letters, uri.at[i]) != NULL);
    }
    take(uri, &at, scheme);
    take_name(uri, &at, ":", parts->issuer);
    take(uri, &at, ":");
    take_name(uri, &at, "?", parts->account);
    take(uri, &at, secret_mark);
    take_name(uri, &at, "&", parts->issuer);
    take(uri, &at, rest);
    CHECK(at == uri.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_raw(size); /* of its own, so that a read of one byte too many is seen */
    struct otpauth parts = { .secret = bytes_text(secret) };
    struct buf uri = { 0 };

    if (size == 0) {
        free(copy);
        return 0;
    }
    memcpy(copy, data, size);
    size_t issuer_size = copy[0] < size - 1 ? copy[0] : size - 1;
    parts.issuer = bytes_of(copy + 1, issuer_size);
    parts.account = bytes_of(copy + 1 + issuer_size, size - 1 - issuer_size);
    bool is_written = otpauth_write(&parts, &uri);
    CHECK(is_written == (otpauth_is_name(parts.issuer, OTPAUTH_ISSUER_MAX) &&
                         otpauth_is_name(parts.account, OTPAUTH_ACCOUNT_MAX)));
    if (is_written) {
        check_uri(buf_view(&uri), &parts);
    } else {
        CHECK(uri.size == 0);
    }
    buf_clear(&uri);
    free(copy);
    return 0;
}
