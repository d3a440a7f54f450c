/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens, invites and the command header: whatever is accepted has the one form
 * that the protocol gives it, so writing it anew gives the same text.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "server/domain/commands.h"
#include "server/domain/invites.h"
#include "server/domain/sessions.h"

enum {
    TOKEN_TEXT_BYTES = 47,
    TOKEN_PREFIX_BYTES = 4,
    INVITE_PREFIX_BYTES = 5
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_command(struct bytes text)
{
    struct command command;
    struct buf again = { .at = NULL };

    if (!commands_parse(text, &command)) {
        return;
    }
    CHECK(command.seq >= 0);
    buf_append_format(&again, "seq=%" PRId64 ", sig=", command.seq);
    base64url_encode(bytes_of(command.signature, sizeof command.signature), &again);
    CHECK(bytes_equal(buf_view(&again), text));
    buf_clear(&again);
}

/* The name of a secret is the SHA-256 of the bytes behind its prefix. */
static void try_secret(struct bytes text, size_t prefix_bytes, const uint8_t hash[32])
{
    struct buf raw = { .at = NULL };
    uint8_t again[CRYPTO_SHA256_BYTES];
    struct bytes part;

    CHECK(base64url_decode(bytes_of(text.at + prefix_bytes, text.size - prefix_bytes), &raw));
    part = buf_view(&raw);
    crypto_sha256(&part, 1, again);
    CHECK(memcmp(again, hash, sizeof again) == 0);
    buf_clear(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct bytes text = bytes_of(data, size);
    struct session_hash session;
    struct invite_hash invite;

    if (!started) {
        CHECK(crypto_start());
        started = true;
    }
    try_command(text);
    if (sessions_parse(text, &session)) {
        CHECK(size == TOKEN_TEXT_BYTES && memcmp(data, "sp1_", TOKEN_PREFIX_BYTES) == 0);
        try_secret(text, TOKEN_PREFIX_BYTES, session.raw);
    }
    if (invites_parse(text, &invite)) {
        CHECK(size == INVITE_TEXT_BYTES - 1 && memcmp(data, "spi1_", INVITE_PREFIX_BYTES) == 0);
        try_secret(text, INVITE_PREFIX_BYTES, invite.raw);
    }
    return 0;
}
