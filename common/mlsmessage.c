/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mlsmessage.h"

#include <stdbool.h>

#include "common/mlssuite.h"
#include "common/tlsvec.h"
#include "common/wire.h"

/* SenderType, RFC 9420 section 6; the first two have an index behind them. */
enum {
    SENDER_MEMBER = 1,
    SENDER_EXTERNAL = 2,
    SENDER_NEW_MEMBER_PROPOSAL = 3,
    SENDER_NEW_MEMBER_COMMIT = 4,
};

static enum mlsmessage_verdict read_wire_format(struct wire *wire, uint16_t *out)
{
    uint16_t version = wire_u16(wire);

    *out = wire_u16(wire);
    if (wire_is_bad(wire)) {
        return MLSMESSAGE_FORM;
    }
    if (version != MLS_VERSION_10) {
        return MLSMESSAGE_VERSION;
    }
    return *out >= MLSMESSAGE_PUBLIC && *out <= MLSMESSAGE_KEY_PACKAGE ? MLSMESSAGE_READ
                                                                       : MLSMESSAGE_WIRE_FORMAT;
}

static enum mlsmessage_verdict read_sender(struct wire *wire)
{
    uint8_t type = wire_u8(wire);

    if (type == SENDER_MEMBER || type == SENDER_EXTERNAL) {
        (void)wire_u32(wire);
    }
    if (wire_is_bad(wire)) {
        return MLSMESSAGE_FORM;
    }
    return type >= SENDER_MEMBER && type <= SENDER_NEW_MEMBER_COMMIT ? MLSMESSAGE_READ
                                                                     : MLSMESSAGE_SENDER;
}

/* Application data goes in a PrivateMessage alone (RFC 9420 section 6). */
static enum mlsmessage_verdict read_content_type(struct wire *wire, uint8_t least, uint8_t *out)
{
    *out = wire_u8(wire);
    if (wire_is_bad(wire)) {
        return MLSMESSAGE_FORM;
    }
    return *out >= least && *out <= MLSMESSAGE_COMMIT ? MLSMESSAGE_READ : MLSMESSAGE_CONTENT_TYPE;
}

static enum mlsmessage_verdict read_public(struct wire *wire, struct mlsmessage_head *head)
{
    enum mlsmessage_verdict verdict = read_sender(wire);

    if (verdict != MLSMESSAGE_READ) {
        return verdict;
    }
    (void)tlsvec_take(wire); /* authenticated_data */
    return read_content_type(wire, MLSMESSAGE_PROPOSAL, &head->content_type);
}

static enum mlsmessage_verdict read_private(struct wire *wire, struct mlsmessage_head *head)
{
    enum mlsmessage_verdict verdict =
        read_content_type(wire, MLSMESSAGE_APPLICATION, &head->content_type);

    if (verdict != MLSMESSAGE_READ) {
        return verdict;
    }
    (void)tlsvec_take(wire); /* authenticated_data */
    (void)tlsvec_take(wire); /* encrypted_sender_data */
    (void)tlsvec_take(wire); /* ciphertext */
    return wire_is_done(wire) ? MLSMESSAGE_READ : MLSMESSAGE_FORM;
}

enum mlsmessage_verdict mlsmessage_read_head(struct bytes input, struct mlsmessage_head *out)
{
    struct wire wire = wire_of(input);
    struct mlsmessage_head head = { .wire_format = 0 };
    enum mlsmessage_verdict verdict = read_wire_format(&wire, &head.wire_format);

    if (verdict == MLSMESSAGE_READ && head.wire_format <= MLSMESSAGE_PRIVATE) {
        head.group_id = tlsvec_take(&wire);
        head.epoch = wire_u64(&wire);
        verdict = head.wire_format == MLSMESSAGE_PUBLIC ? read_public(&wire, &head)
                                                        : read_private(&wire, &head);
    }
    if (verdict == MLSMESSAGE_READ) {
        *out = head;
    }
    return verdict;
}

/* Only hashes have sizes that we know: the reference of a suite that we do not is not judged. */
static bool is_reference(uint16_t suite, struct bytes value)
{
    return mlssuite_is_known(suite) ? value.size == mlssuite_hash_bytes(suite)
                                    : value.size > 0 && value.size <= MLS_REFERENCE_BYTES;
}

static enum mlsmessage_verdict read_members(struct wire *wire, struct bytes *out_members,
                                            size_t room, struct mlsmessage_welcome *welcome)
{
    struct wire secrets = tlsvec_enter(wire);

    while (secrets.left > 0 && !wire_is_bad(&secrets)) {
        struct bytes member = tlsvec_take(&secrets);

        (void)tlsvec_take(&secrets); /* kem_output */
        (void)tlsvec_take(&secrets); /* ciphertext */
        if (wire_is_bad(&secrets)) {
            break;
        }
        if (!is_reference(welcome->suite, member)) {
            return MLSMESSAGE_MEMBER;
        }
        if (welcome->member_count == room) {
            return MLSMESSAGE_TOO_MANY;
        }
        out_members[welcome->member_count++] = member;
    }
    if (wire_is_bad(&secrets)) {
        return MLSMESSAGE_FORM;
    }
    return welcome->member_count > 0 ? MLSMESSAGE_READ : MLSMESSAGE_MEMBER;
}

enum mlsmessage_verdict mlsmessage_read_welcome(struct bytes input, struct bytes *out_members,
                                                size_t room, struct mlsmessage_welcome *out)
{
    struct wire wire = wire_of(input);
    struct mlsmessage_welcome welcome = { .suite = 0 };
    uint16_t wire_format;
    enum mlsmessage_verdict verdict = read_wire_format(&wire, &wire_format);

    if (verdict != MLSMESSAGE_READ) {
        return verdict;
    }
    if (wire_format != MLSMESSAGE_WELCOME) {
        return MLSMESSAGE_WIRE_FORMAT;
    }
    welcome.suite = wire_u16(&wire);
    verdict = read_members(&wire, out_members, room, &welcome);
    if (verdict != MLSMESSAGE_READ) {
        return verdict;
    }
    (void)tlsvec_take(&wire); /* encrypted_group_info */
    if (!wire_is_done(&wire)) {
        return MLSMESSAGE_FORM;
    }
    *out = welcome;
    return MLSMESSAGE_READ;
}

const char *mlsmessage_verdict_text(enum mlsmessage_verdict verdict)
{
    switch (verdict) {
    case MLSMESSAGE_READ:
        return "The MLSMessage was read.";
    case MLSMESSAGE_FORM:
        return "The bytes are not one MLSMessage: send it whole and with every length in its "
               "shortest form.";
    case MLSMESSAGE_VERSION:
        return "The version of the MLSMessage is not mls10.";
    case MLSMESSAGE_WIRE_FORMAT:
        return "The wire format is none of RFC 9420, or another one belongs here.";
    case MLSMESSAGE_CONTENT_TYPE:
        return "The content type is none of RFC 9420, or application data in a PublicMessage.";
    case MLSMESSAGE_SENDER:
        return "The sender type is none of RFC 9420.";
    case MLSMESSAGE_MEMBER:
        return "The Welcome is for nobody, or new_member is not as long as the suite's hash.";
    case MLSMESSAGE_TOO_MANY:
        return "The Welcome is for too many members: send several.";
    }
    return "The verdict is unknown.";
}
