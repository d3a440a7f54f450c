/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tickets (RFC 5077 section 4, RFC 8446 section 4.6.1): AES-256-CBC and HMAC-SHA256
 * under keys that live 24 hours at most and are never on a disk.  They are the relay's
 * and not a certificate's, so a new certificate makes nobody begin anew.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/net/tls_private.h"

enum {
    TICKET_FAILED = -1,
    TICKET_UNKNOWN = 0,
    TICKET_GOOD = 1,
    TICKET_GOOD_GIVE_NEW = 2,
    IV_BYTES = 16, /* of AES-CBC */
};

void tls_ticket_rotate(struct tls_tickets *tickets, int64_t now_ms)
{
    struct tls_ticket_key *current = &tickets->current;

    if (current->made_at != 0 && now_ms - current->made_at < TLS_TICKET_TURN_MS) {
        return;
    }
    tickets->previous = *current;
    if (now_ms - current->made_at >= 2 * (int64_t)TLS_TICKET_TURN_MS) {
        mem_wipe(&tickets->previous, sizeof tickets->previous);
    }
    random_fill(current->name, sizeof current->name);
    random_fill(current->cipher, sizeof current->cipher);
    random_fill(current->mac, sizeof current->mac);
    current->made_at = now_ms;
}

static bool mac_begin(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int ticket_seal(struct tls_ticket_key *key, unsigned char *name, unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    memcpy(name, key->name, sizeof key->name);
    random_fill(iv, IV_BYTES);
    return EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv, NULL) == 1 &&
                   mac_begin(mac, key)
               ? TICKET_GOOD
               : TICKET_FAILED;
}

static int ticket_open(struct tls_ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac)
{
    return EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv, NULL) == 1 &&
                   mac_begin(mac, key)
               ? TICKET_GOOD
               : TICKET_FAILED;
}

static bool is_named(const struct tls_ticket_key *key, const unsigned char *name)
{
    return key->made_at != 0 && memcmp(key->name, name, sizeof key->name) == 0;
}

/* NOLINTNEXTLINE(readability-function-size): its type is the library's */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct tls_tickets *tickets = &tls->tickets;

    tls_ticket_rotate(tickets, clock_steady_ms());
    if (sealing != 0) {
        return ticket_seal(&tickets->current, name, iv, cipher, mac);
    }
    if (is_named(&tickets->current, name)) {
        int opened = ticket_open(&tickets->current, iv, cipher, mac);
        /* In TLS 1.3 a ticket is for one connection: whoever used one gets the next. */
        return opened == TICKET_GOOD && SSL_version(ssl) >= TLS1_3_VERSION ? TICKET_GOOD_GIVE_NEW
                                                                           : opened;
    }
    if (is_named(&tickets->previous, name)) {
        int opened = ticket_open(&tickets->previous, iv, cipher, mac);
        return opened == TICKET_GOOD ? TICKET_GOOD_GIVE_NEW : opened;
    }
    return TICKET_UNKNOWN;
}

void tls_ticket_use(SSL_CTX *context, struct tls *tls)
{
    (void)SSL_CTX_set_app_data(context, tls);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}
