/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: short names of accounts, and the bindings by which an ADMIN device
 * says that a name is its account's.  A handle is 2 to 32 of a-z, 0-9, '.', '_'
 * and '-': no letter looks like another of it.  A binding is
 *
 *   signed   "sealpost/handle/1\0" | u8 len | handle | seq u64 | account_id[32]
 *   behind   device_id u32 | signature[64] of the signed bytes
 *
 * seq counts the bindings of that handle, whoever made them: 0, 1, 2, ...  It is
 * below 2^53.  Parsing verifies nothing.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"

enum {
    HANDLE_MIN_BYTES = 2,
    HANDLE_MAX_BYTES = 32,
    HANDLE_BINDING_MAX_BYTES = 159, /* that of the longest handle */
};

#define HANDLE_SEQ_MAX INT64_C(9007199254740991) /* what JSON carries exactly */

struct handle {
    char text[HANDLE_MAX_BYTES + 1]; /* lower-case, ends with a NUL */
};

struct handle_binding {
    struct handle handle;
    int64_t seq; /* 0..HANDLE_SEQ_MAX */
    struct account_id account_id;
    uint32_t device_id;   /* the signer's */
    struct bytes message; /* the signed bytes; borrowed from what was read */
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
};

/* Read a handle as people write it: A-Z become a-z.  False when it is none. */
bool handle_read(struct bytes text, struct handle *out);

/* Read a binding to its last byte; the handle in it is lower-case.  False when it is none. */
bool handle_binding_read(struct bytes input, struct handle_binding *out);

/* Append the bytes that are signed. */
void handle_append_signed(struct buf *out, const struct handle *handle, int64_t seq,
                          const struct account_id *account_id);
