/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KeyPackages to the test's wish: take a plain draft, change a part, write it.
 * Whatever the parts are, both signatures are right.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/keypackage.h"

enum {
    PACKAGE_LAST_RESORT = 0x000A
}; /* the type of the extension */

/* The parts in wire form; a key is its bare bytes. */
struct package {
    uint16_t version;
    uint16_t suite;
    uint8_t seed[32];
    size_t leaf_signature_bytes; /* how much of a signature is written; 64 */
    size_t signature_bytes;
    struct buf init_key;
    struct buf encryption_key;
    struct buf signature_key; /* of seed */
    struct buf credential;
    struct buf capabilities;
    struct buf life; /* source and lifetime */
    struct buf leaf_extensions;
    struct buf extensions;
};

/* Fill *out with a valid package of suite 1 (X25519).  Clear it with package_clear. */
void package_init(struct package *out);
void package_clear(struct package *package);

/* Put other bytes in a part's place. */
void package_put(struct buf *part, const void *at, size_t size);

/* Put source 1 and a lifetime in place. */
void package_live(struct package *package, uint64_t not_before, uint64_t not_after);

/* Append an extension of size bytes 'e' to a list of them. */
void package_extend(struct buf *list, uint16_t type, size_t size);

/* Append the signed package to out. */
void package_write(const struct package *package, struct buf *out);

/* Write the package and read it.  *out has no init_key: that would be borrowed from what is gone. */
enum keypackage_verdict package_read_into(const struct package *package, struct keypackage *out);
enum keypackage_verdict package_read(const struct package *package);
