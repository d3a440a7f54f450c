/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto_certificate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto_private.h"
#include "common/random.h"

enum {
    SERIAL_BYTES = 16,
    HOST_MAX_BYTES = 64, /* what a common name holds (RFC 5280 appendix A.1) */
    NAMES_BYTES = 160,
};

static bool is_address(const char *host)
{
    struct in6_addr parsed; /* the larger of both kinds */

    return inet_pton(AF_INET, host, &parsed) == 1 || inet_pton(AF_INET6, host, &parsed) == 1;
}

/* The library reads the names from a text with commas: nothing else may get into it. */
static bool is_host(const char *host)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    size_t size = strlen(host);

    return size >= 1 && size <= HOST_MAX_BYTES &&
           (is_address(host) || strspn(host, letters) == size);
}

static void set_extension(X509 *cert, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);

    crypto_need(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void set_extensions(X509 *cert, const char *host)
{
    char names[NAMES_BYTES];
    X509V3_CTX context = { .db = NULL };

    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    (void)snprintf(names, sizeof names, "%s:%s,DNS:localhost,IP:127.0.0.1,IP:::1",
                   is_address(host) ? "IP" : "DNS", host);
    set_extension(cert, &context, NID_basic_constraints, "critical,CA:FALSE");
    set_extension(cert, &context, NID_key_usage, "critical,digitalSignature");
    set_extension(cert, &context, NID_ext_key_usage, "serverAuth");
    set_extension(cert, &context, NID_subject_key_identifier, "hash");
    set_extension(cert, &context, NID_subject_alt_name, names);
}

static void set_name(X509 *cert, const char *host)
{
    X509_NAME *name = X509_get_subject_name(cert);

    crypto_need(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                           (const unsigned char *)host, -1, -1, 0) == 1);
    crypto_need(X509_set_issuer_name(cert, name) == 1);
}

static X509 *make_certificate(EVP_PKEY *pair, const struct crypto_certificate *wish)
{
    X509 *cert = X509_new();
    uint8_t serial[SERIAL_BYTES];

    crypto_need(cert != NULL);
    random_fill(serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40); /* positive, and of its whole size */
    crypto_need(X509_set_version(cert, X509_VERSION_3) == 1);
    crypto_need(ASN1_STRING_set(X509_get_serialNumber(cert), serial, sizeof serial) == 1);
    crypto_need(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)wish->begins_s) != NULL);
    crypto_need(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)wish->expires_s) != NULL);
    crypto_need(X509_set_pubkey(cert, pair) == 1);
    set_name(cert, wish->host);
    set_extensions(cert, wish->host);
    crypto_need(X509_sign(cert, pair, EVP_sha256()) > 0);
    return cert;
}

/* Append what was written to bio. */
static void take(BIO *bio, struct buf *out)
{
    char *at = NULL;
    long size = BIO_get_mem_data(bio, &at);

    crypto_need(size > 0);
    buf_append(out, bytes_of(at, (size_t)size));
}

bool crypto_certificate_make(const struct crypto_certificate *wish, struct buf *out_cert,
                             struct buf *out_key)
{
    if (!is_host(wish->host)) {
        return false;
    }
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    crypto_need(pair != NULL);
    X509 *cert = make_certificate(pair, wish);
    BIO *cert_text = BIO_new(BIO_s_mem());
    BIO *key_text = BIO_new(BIO_s_secmem()); /* wipes what it held */
    crypto_need(cert_text != NULL && key_text != NULL);
    crypto_need(PEM_write_bio_X509(cert_text, cert) == 1);
    crypto_need(PEM_write_bio_PrivateKey(key_text, pair, NULL, NULL, 0, NULL, NULL) == 1);
    take(cert_text, out_cert);
    take(key_text, out_key);
    BIO_free(cert_text);
    BIO_free(key_text);
    X509_free(cert);
    EVP_PKEY_free(pair);
    return true;
}
