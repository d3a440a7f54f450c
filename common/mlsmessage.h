/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a relay may know of an MLSMessage (RFC 9420 section 6): the head that
 * stands in clear, and whom a Welcome is for.  Nothing is verified, for the relay
 * has no key.  Strict as common/tlsvec.h is; no allocation, no recursion.  Sizes
 * are the caller's limit.  Pure; any thread.
 *
 *   MLSMessage      version u16 = 1 | wire_format u16 | what it says
 *   PublicMessage   group_id<V> | epoch u64 | sender | authenticated_data<V> |
 *                   content_type u8 | ... (not looked at)
 *   PrivateMessage  group_id<V> | epoch u64 | content_type u8 | authenticated_data<V> |
 *                   encrypted_sender_data<V> | ciphertext<V>
 *   Welcome         cipher_suite u16 | secrets<V> | encrypted_group_info<V>
 *   secrets         { new_member<V> | kem_output<V> | ciphertext<V> } ...
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum mlsmessage_verdict {
    MLSMESSAGE_READ = 0,
    MLSMESSAGE_FORM,         /* cut short, bytes left over, a length not in its shortest form */
    MLSMESSAGE_VERSION,      /* not mls10 */
    MLSMESSAGE_WIRE_FORMAT,  /* none of RFC 9420, or not the one that was asked for */
    MLSMESSAGE_CONTENT_TYPE, /* none of RFC 9420, or application data in a PublicMessage */
    MLSMESSAGE_SENDER,       /* a sender type that RFC 9420 has not */
    MLSMESSAGE_MEMBER,       /* a Welcome for nobody, or a reference not of its suite's size */
    MLSMESSAGE_TOO_MANY,     /* a Welcome for more members than there is room for */
};

/* WireFormat, RFC 9420 section 17.2. */
enum mlsmessage_wire_format {
    MLSMESSAGE_PUBLIC = 1,
    MLSMESSAGE_PRIVATE = 2,
    MLSMESSAGE_WELCOME = 3,
    MLSMESSAGE_GROUP_INFO = 4,
    MLSMESSAGE_KEY_PACKAGE = 5,
};

/* ContentType, RFC 9420 section 6. */
enum mlsmessage_content_type {
    MLSMESSAGE_APPLICATION = 1,
    MLSMESSAGE_PROPOSAL = 2,
    MLSMESSAGE_COMMIT = 3,
};

/* The head of a PublicMessage or PrivateMessage; of the others only the wire format. */
struct mlsmessage_head {
    uint16_t wire_format;  /* enum mlsmessage_wire_format */
    uint8_t content_type;  /* enum mlsmessage_content_type; 0 where there is none */
    uint64_t epoch;        /* 0 where there is none */
    struct bytes group_id; /* borrowed from input; empty where there is none */
};

struct mlsmessage_welcome {
    uint16_t suite;
    size_t member_count; /* how many references were written */
};

/*
 * Read the head of input.  A PrivateMessage is read to its end, of the others what
 * stands behind the head is not looked at.  Fills *out only when MLSMESSAGE_READ.
 */
enum mlsmessage_verdict mlsmessage_read_head(struct bytes input, struct mlsmessage_head *out);

/*
 * Read input as an MLSMessage with a Welcome and write the KeyPackageRefs that it
 * is for to out_members, which has room for that many (LIMIT_WELCOME_MEMBERS is
 * enough for all that we take), in its order; they are borrowed from input, and
 * one may be there twice.  Fills *out only when MLSMESSAGE_READ; what out_members
 * holds otherwise means nothing.
 */
enum mlsmessage_verdict mlsmessage_read_welcome(struct bytes input, struct bytes *out_members,
                                                size_t room, struct mlsmessage_welcome *out);

/* One sentence a client author can act on, for the verdict.  Static. */
const char *mlsmessage_verdict_text(enum mlsmessage_verdict verdict);
