/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a certificate and its key, and what an operator is told of them. */
#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509err.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "server/net/tls.h"
#include "server/net/tls_private.h"

enum {
    NOT_FOR_OTHERS = 027, /* no right for others, none to write for the group */
    ALL_BITS = 07777,
    NS_PER_S = 1000000000,
};

struct sentence {
    char *at;
    size_t size;
};

/* Say it, forget what the library has queued, return false. */
__attribute__((format(printf, 2, 3))) static bool say(struct sentence out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out.at, out.size, format, args);
    va_end(args);
    ERR_clear_error();
    return false;
}

/* In the library's words, why the last call failed. */
static const char *library_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason == NULL ? "unknown reason" : reason;
}

/* A key with a passphrase is refused: nobody is there to type it. */
/* NOLINTNEXTLINE(readability-non-const-parameter): its type is the library's */
static int on_passphrase(char *at, int size, int writing, void *arg)
{
    (void)at;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static bool file_is_there(const char *option, const char *path, struct stat *out_status,
                          struct sentence out)
{
    if (stat(path, out_status) != 0 || access(path, R_OK) != 0) {
        return say(out, "%s: cannot be read (%s); check %s and the permissions", path,
                   strerrordesc_np(errno), option);
    }
    return S_ISREG(out_status->st_mode) ||
           say(out, "%s: this is no regular file; check %s", path, option);
}

static bool key_is_closed(const char *path, const struct stat *status, struct sentence out)
{
    return (status->st_mode & NOT_FOR_OTHERS) == 0 ||
           say(out, "%s: others may read this key (mode %04o); run: chmod 0600 %s", path,
               status->st_mode & ALL_BITS, path);
}

static bool key_load(SSL_CTX *context, const struct tls_files *files, struct sentence out)
{
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) == 1) {
        return true;
    }
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
        return say(out, "%s: this key does not belong to the certificate in %s", files->key,
                   files->cert);
    }
    return say(out, "%s: holds no private key in PEM without a passphrase (%s)", files->key,
               library_reason());
}

static bool pair_load(SSL_CTX *context, const struct tls_files *files, struct sentence out)
{
    struct stat status;

    if (!file_is_there("tls_cert", files->cert, &status, out) ||
        !file_is_there("tls_key", files->key, &status, out) ||
        !key_is_closed(files->key, &status, out)) {
        return false;
    }
    if (SSL_CTX_use_certificate_chain_file(context, files->cert) != 1) {
        return say(out, "%s: holds no certificate in PEM that can be used (%s)", files->cert,
                   library_reason());
    }
    return key_load(context, files, out);
}

static int64_t expires_s(SSL_CTX *context)
{
    struct tm parts;
    const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));

    return ASN1_TIME_to_tm(end, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): out_error is written through a struct */
bool tls_pair_load(const struct tls_files *files, struct tls_pair *out, char *out_error,
                   size_t error_size)
{
    struct sentence sentence = { .at = out_error, .size = error_size };
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    CHECK(context != NULL); /* only without memory */
    SSL_CTX_set_default_passwd_cb(context, on_passphrase);
    SSL_CTX_set_security_level(context, TLS_SECURITY_LEVEL);
    if (!pair_load(context, files, sentence)) {
        SSL_CTX_free(context);
        return false;
    }
    *out = (struct tls_pair){ .context = context, .expires_s = expires_s(context) };
    return true;
}

void tls_pair_stamp(const struct tls_files *files, struct tls_stamp *out)
{
    const char *const paths[TLS_STAMP_FILES] = { files->cert, files->key };
    struct stat status;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < TLS_STAMP_FILES; i++) {
        if (stat(paths[i], &status) == 0) {
            out->of[i].device = status.st_dev;
            out->of[i].inode = status.st_ino;
            out->of[i].size = status.st_size;
            out->of[i].modified_ns =
                (int64_t)status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec;
        }
    }
}

bool tls_pair_same(const struct tls_stamp *a, const struct tls_stamp *b)
{
    for (size_t i = 0; i < TLS_STAMP_FILES; i++) {
        if (a->of[i].device != b->of[i].device || a->of[i].inode != b->of[i].inode ||
            a->of[i].size != b->of[i].size || a->of[i].modified_ns != b->of[i].modified_ns) {
            return false;
        }
    }
    return true;
}
