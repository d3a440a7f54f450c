/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a close frame: nothing, or a code and a reason in UTF-8.
 *
 *   1000..1003, 1007..1014  registered and sent on the wire
 *   1004, 1005, 1006, 1015  reserved, never on the wire
 *   3000..4999              libraries and private use
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/utf8.h"
#include "server/ws/frame.h"

enum {
    CODE_PROTOCOL = 1002,
    CODE_NOT_UTF8 = 1007,
    CODE_BYTES = 2
};

static bool code_is_good(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

int ws_frame_close_check(struct bytes payload, int *out_code)
{
    if (payload.size == 0) {
        *out_code = WS_FRAME_CLOSE_NONE;
        return 0;
    }
    if (payload.size < CODE_BYTES) {
        return CODE_PROTOCOL;
    }
    int code = payload.at[0] << 8 | payload.at[1];
    if (!code_is_good(code)) {
        return CODE_PROTOCOL;
    }
    if (!utf8_is_valid(bytes_of(payload.at + CODE_BYTES, payload.size - CODE_BYTES))) {
        return CODE_NOT_UTF8;
    }
    *out_code = code;
    return 0;
}
