/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XEdDSA over Curve25519: signatures that verify under an X25519 public key, as
 * Signal's identity keys make them over prekeys.  Source: Signal's XEdDSA and
 * VXEdDSA specification, revision 1, and the sign bit that its libraries carry in
 * bit 7 of the last byte.  Pure; any thread, after crypto_start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"

/*
 * Verify an XEdDSA signature over message under the u-coordinate u, 32 bytes
 * without the 0x05 that libsignal puts before them.  Refused, whatever is signed:
 * u that is not below 2^255 - 19 or is p - 1 (it has no image), a point of small
 * or mixed order or off the curve, R and S that crypto_strict_verify refuses.  So
 * what is accepted here every correct verifier accepts.  Costs about as much as
 * three ordinary verifications.
 */
bool crypto_xeddsa_verify(const uint8_t u[CRYPTO_PUBLIC_BYTES], struct bytes message,
                          const uint8_t signature[CRYPTO_SIGNATURE_BYTES]);

/*
 * The reverse, for a device that signs prekeys of its own.  Derive from seed the
 * u-coordinate under which crypto_xeddsa_verify and libsignal verify what
 * crypto_xeddsa_sign made: that of seed's Ed25519 key.
 */
void crypto_xeddsa_public_of(const uint8_t seed[CRYPTO_SEED_BYTES],
                             uint8_t out[CRYPTO_PUBLIC_BYTES]);

/*
 * Sign message: seed's Ed25519 signature, with the sign of its key in bit 7 of the
 * last byte.  The same message is always signed alike; XEdDSA's own signer adds
 * random bytes, no verifier can tell.
 */
void crypto_xeddsa_sign(const uint8_t seed[CRYPTO_SEED_BYTES], struct bytes message,
                        uint8_t out[CRYPTO_SIGNATURE_BYTES]);
