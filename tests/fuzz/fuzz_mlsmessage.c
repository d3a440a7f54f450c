/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one MLSMessage, read for its head and as a Welcome.  What is told of it
 * lies inside it, and both readers agree on its version and wire format.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/mlsmessage.h"
#include "common/mlssuite.h"

enum {
    ROOM = 16
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_inside(struct bytes part, struct bytes whole)
{
    CHECK(part.at >= whole.at && part.at + part.size <= whole.at + whole.size);
}

static bool read_head(struct bytes input, struct mlsmessage_head *out)
{
    enum mlsmessage_verdict verdict = mlsmessage_read_head(input, out);

    CHECK(strlen(mlsmessage_verdict_text(verdict)) > 0);
    if (verdict != MLSMESSAGE_READ) {
        return false;
    }
    if (out->wire_format <= MLSMESSAGE_PRIVATE) {
        CHECK(out->content_type >= MLSMESSAGE_APPLICATION &&
              out->content_type <= MLSMESSAGE_COMMIT);
        expect_inside(out->group_id, input);
    } else {
        CHECK(out->content_type == 0 && out->group_id.size == 0);
    }
    return true;
}

static bool read_welcome(struct bytes input)
{
    struct mlsmessage_welcome welcome;
    struct bytes members[ROOM];

    if (mlsmessage_read_welcome(input, members, ROOM, &welcome) != MLSMESSAGE_READ) {
        return false;
    }
    CHECK(welcome.member_count >= 1 && welcome.member_count <= ROOM);
    for (size_t i = 0; i < welcome.member_count; i++) {
        CHECK(members[i].size >= 1 && members[i].size <= MLS_REFERENCE_BYTES);
        expect_inside(members[i], input);
    }
    CHECK(mlsmessage_read_welcome(input, members, welcome.member_count - 1, &welcome) ==
          MLSMESSAGE_TOO_MANY);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mlsmessage_head head;
    uint8_t *copy = mem_raw(size); /* so that the sanitizer sees a read of one byte too many */

    if (size > 0) {
        memcpy(copy, data, size);
    }
    bool has_head = read_head(bytes_of(copy, size), &head);
    bool is_welcome = read_welcome(bytes_of(copy, size));
    CHECK(!is_welcome || (has_head && head.wire_format == MLSMESSAGE_WELCOME));
    free(copy);
    return 0;
}
