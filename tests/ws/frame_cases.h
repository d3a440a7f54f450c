/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 6455 frame cases, each a text of bytes and what a strict reader makes of it.
 *
 * bytes: hex pairs; K writes the key 37 fa 21 3d; pairs between [ and ] are masked with
 * the last key; a pair may be repeated as in 61*126.
 * want: for each message its kind and hex payload, "ping", "pong" and "close" likewise;
 * "bad" or "big" at the end when the reader refuses.  A payload of more than 16 bytes is
 * given as #size.
 */
#pragma once

#include "server/ws/frame.h"

struct frame_case {
    const char *name;
    enum ws_role role; /* of the reader */
    const char *bytes;
    const char *want;
};

enum {
    FRAME_CASES_MESSAGE_MAX = 70000
};

static const struct frame_case frame_cases[] = {
    /* whole messages */
    { "text", WS_ROLE_SERVER, "81 82 K [68 69]", "text:6869" },
    { "binary", WS_ROLE_SERVER, "82 82 K [68 69]", "binary:6869" },
    { "empty text", WS_ROLE_SERVER, "81 80 K", "text:" },
    { "empty binary", WS_ROLE_SERVER, "82 80 K", "binary:" },
    { "one byte", WS_ROLE_SERVER, "82 81 K [00]", "binary:00" },
    { "seven bytes", WS_ROLE_SERVER, "82 87 K [01 02 03 04 05 06 07]", "binary:01020304050607" },
    { "eight bytes", WS_ROLE_SERVER, "82 88 K [01 02 03 04 05 06 07 08]",
      "binary:0102030405060708" },
    { "nine bytes", WS_ROLE_SERVER, "82 89 K [01 02 03 04 05 06 07 08 09]",
      "binary:010203040506070809" },
    { "zero key", WS_ROLE_SERVER, "82 82 00 00 00 00 68 69", "binary:6869" },
    { "RFC section 5.7 masked", WS_ROLE_SERVER, "81 85 37 fa 21 3d 7f 9f 4d 51 58",
      "text:48656c6c6f" },
    { "RFC section 5.7 unmasked", WS_ROLE_CLIENT, "81 05 48 65 6c 6c 6f", "text:48656c6c6f" },
    { "RFC section 5.7 fragmented", WS_ROLE_CLIENT, "01 03 48 65 6c 80 02 6c 6f",
      "text:48656c6c6f" },
    { "RFC section 5.7 ping", WS_ROLE_CLIENT, "89 05 48 65 6c 6c 6f", "ping:48656c6c6f" },
    { "RFC section 5.7 pong", WS_ROLE_SERVER, "8a 85 37 fa 21 3d 7f 9f 4d 51 58",
      "pong:48656c6c6f" },
    { "two messages", WS_ROLE_SERVER, "82 81 K [61] 82 81 K [62]", "binary:61 binary:62" },
    { "three kinds", WS_ROLE_SERVER, "82 81 K [61] 81 80 K 89 80 K", "binary:61 text: ping:" },
    { "client reads binary", WS_ROLE_CLIENT, "82 02 68 69", "binary:6869" },
    { "client reads empty", WS_ROLE_CLIENT, "82 00", "binary:" },

    /* lengths */
    { "length 125", WS_ROLE_SERVER, "82 fd K [61*125]", "binary:#125" },
    { "length 126", WS_ROLE_SERVER, "82 fe 00 7e K [61*126]", "binary:#126" },
    { "length 127", WS_ROLE_SERVER, "82 fe 00 7f K [61*127]", "binary:#127" },
    { "length 128", WS_ROLE_SERVER, "82 fe 00 80 K [61*128]", "binary:#128" },
    { "length 255", WS_ROLE_SERVER, "82 fe 00 ff K [61*255]", "binary:#255" },
    { "length 256", WS_ROLE_SERVER, "82 fe 01 00 K [61*256]", "binary:#256" },
    { "length 65535", WS_ROLE_SERVER, "82 fe ff ff K [61*65535]", "binary:#65535" },
    { "length 65536", WS_ROLE_SERVER, "82 ff 00 00 00 00 00 01 00 00 K [61*65536]",
      "binary:#65536" },
    { "length of the limit", WS_ROLE_SERVER, "82 ff 00 00 00 00 00 01 11 70 K [61*70000]",
      "binary:#70000" },
    { "client: length 126", WS_ROLE_CLIENT, "82 7e 00 7e 61*126", "binary:#126" },
    { "client: length 65536", WS_ROLE_CLIENT, "82 7f 00 00 00 00 00 01 00 00 61*65536",
      "binary:#65536" },
    { "u16 length of 0", WS_ROLE_SERVER, "82 fe 00 00", "bad" },
    { "u16 length of 125", WS_ROLE_SERVER, "82 fe 00 7d", "bad" },
    { "u64 length of 0", WS_ROLE_SERVER, "82 ff 00 00 00 00 00 00 00 00", "bad" },
    { "u64 length of 126", WS_ROLE_SERVER, "82 ff 00 00 00 00 00 00 00 7e", "bad" },
    { "u64 length of 65535", WS_ROLE_SERVER, "82 ff 00 00 00 00 00 00 ff ff", "bad" },
    { "u64 length with the top bit", WS_ROLE_SERVER, "82 ff 80 00 00 00 00 00 00 02", "bad" },
    { "u64 length of all bits", WS_ROLE_SERVER, "82 ff ff ff ff ff ff ff ff ff", "bad" },
    { "client: u16 length of 5", WS_ROLE_CLIENT, "82 7e 00 05", "bad" },
    { "client: u64 length of 5", WS_ROLE_CLIENT, "82 7f 00 00 00 00 00 00 00 05", "bad" },
    { "above the limit by one", WS_ROLE_SERVER, "82 ff 00 00 00 00 00 01 11 71", "big" },
    { "1 GiB", WS_ROLE_SERVER, "82 ff 00 00 00 00 40 00 00 00", "big" },
    { "largest length there is", WS_ROLE_SERVER, "82 ff 7f ff ff ff ff ff ff ff", "big" },
    { "fragments above the limit", WS_ROLE_SERVER,
      "02 ff 00 00 00 00 00 01 00 00 K [61*65536] 80 fe 11 71", "big" },
    { "fragments of the limit", WS_ROLE_SERVER,
      "02 ff 00 00 00 00 00 01 00 00 K [61*65536] 80 fe 11 70 K [61*4464]", "binary:#70000" },
    { "sum of fragments that wraps", WS_ROLE_SERVER, "02 81 K [61] 00 ff 7f ff ff ff ff ff ff ff",
      "big" },
    { "the limit is for each message", WS_ROLE_SERVER,
      "82 ff 00 00 00 00 00 01 00 00 K [61*65536] 82 ff 00 00 00 00 00 01 00 00 K [61*65536]",
      "binary:#65536 binary:#65536" },

    /* masks */
    { "server: no mask", WS_ROLE_SERVER, "82 02 68 69", "bad" },
    { "server: no mask, empty", WS_ROLE_SERVER, "82 00", "bad" },
    { "server: ping without mask", WS_ROLE_SERVER, "89 00", "bad" },
    { "server: close without mask", WS_ROLE_SERVER, "88 00", "bad" },
    { "server: no mask in a later fragment", WS_ROLE_SERVER, "02 81 K [61] 80 01 62", "bad" },
    { "client: mask", WS_ROLE_CLIENT, "82 82 K [68 69]", "bad" },
    { "client: mask, empty", WS_ROLE_CLIENT, "82 80 K", "bad" },
    { "client: masked ping", WS_ROLE_CLIENT, "89 80 K", "bad" },
    { "client: masked close", WS_ROLE_CLIENT, "88 80 K", "bad" },
    { "client: mask in a later fragment", WS_ROLE_CLIENT, "02 01 61 80 81 K [62]", "bad" },

    /* reserved bits */
    { "RSV1", WS_ROLE_SERVER, "c2", "bad" },
    { "RSV2", WS_ROLE_SERVER, "a2", "bad" },
    { "RSV3", WS_ROLE_SERVER, "92", "bad" },
    { "RSV1 and RSV2", WS_ROLE_SERVER, "e2", "bad" },
    { "RSV1 and RSV3", WS_ROLE_SERVER, "d2", "bad" },
    { "RSV2 and RSV3", WS_ROLE_SERVER, "b2", "bad" },
    { "all RSV", WS_ROLE_SERVER, "f2", "bad" },
    { "RSV1 on text", WS_ROLE_SERVER, "c1", "bad" },
    { "RSV1 on a ping", WS_ROLE_SERVER, "c9", "bad" },
    { "RSV2 on a pong", WS_ROLE_SERVER, "aa", "bad" },
    { "RSV3 on a close", WS_ROLE_SERVER, "98", "bad" },
    { "RSV1 on a continuation", WS_ROLE_SERVER, "02 81 K [61] c0", "bad" },
    { "RSV after a good message", WS_ROLE_SERVER, "82 81 K [61] c2", "binary:61 bad" },
    { "client: RSV1", WS_ROLE_CLIENT, "c2", "bad" },

    /* opcodes */
    { "opcode 3", WS_ROLE_SERVER, "83", "bad" },
    { "opcode 4", WS_ROLE_SERVER, "84", "bad" },
    { "opcode 5", WS_ROLE_SERVER, "85", "bad" },
    { "opcode 6", WS_ROLE_SERVER, "86", "bad" },
    { "opcode 7", WS_ROLE_SERVER, "87", "bad" },
    { "opcode 11", WS_ROLE_SERVER, "8b", "bad" },
    { "opcode 12", WS_ROLE_SERVER, "8c", "bad" },
    { "opcode 13", WS_ROLE_SERVER, "8d", "bad" },
    { "opcode 14", WS_ROLE_SERVER, "8e", "bad" },
    { "opcode 15", WS_ROLE_SERVER, "8f", "bad" },
    { "opcode 3, not final", WS_ROLE_SERVER, "03", "bad" },
    { "opcode 11, not final", WS_ROLE_SERVER, "0b", "bad" },
    { "client: opcode 3", WS_ROLE_CLIENT, "83", "bad" },
    { "client: opcode 15", WS_ROLE_CLIENT, "8f", "bad" },

    /* control frames */
    { "ping", WS_ROLE_SERVER, "89 82 K [68 69]", "ping:6869" },
    { "empty ping", WS_ROLE_SERVER, "89 80 K", "ping:" },
    { "ping of 125", WS_ROLE_SERVER, "89 fd K [61*125]", "ping:#125" },
    { "pong of 125", WS_ROLE_SERVER, "8a fd K [61*125]", "pong:#125" },
    { "close of 125", WS_ROLE_SERVER, "88 fd K [61*125]", "close:#125" },
    { "ping of 126", WS_ROLE_SERVER, "89 fe", "bad" },
    { "pong of 126", WS_ROLE_SERVER, "8a fe", "bad" },
    { "close of 126", WS_ROLE_SERVER, "88 fe", "bad" },
    { "ping with a u64 length", WS_ROLE_SERVER, "89 ff", "bad" },
    { "pong with a u64 length", WS_ROLE_SERVER, "8a ff", "bad" },
    { "close with a u64 length", WS_ROLE_SERVER, "88 ff", "bad" },
    { "client: ping of 126", WS_ROLE_CLIENT, "89 7e", "bad" },
    { "fragmented ping", WS_ROLE_SERVER, "09", "bad" },
    { "fragmented pong", WS_ROLE_SERVER, "0a", "bad" },
    { "fragmented close", WS_ROLE_SERVER, "08", "bad" },
    { "client: fragmented ping", WS_ROLE_CLIENT, "09", "bad" },
    { "pong nobody asked for", WS_ROLE_SERVER, "8a 81 K [61]", "pong:61" },
    { "empty close", WS_ROLE_SERVER, "88 80 K", "close:" },
    { "close with a code", WS_ROLE_SERVER, "88 82 K [03 e8]", "close:03e8" },
    { "close with a reason", WS_ROLE_SERVER, "88 84 K [03 e8 6f 6b]", "close:03e86f6b" },
    { "client: close", WS_ROLE_CLIENT, "88 02 03 e8", "close:03e8" },

    /* fragments */
    { "two fragments", WS_ROLE_SERVER, "02 81 K [61] 80 81 K [62]", "binary:6162" },
    { "text in two fragments", WS_ROLE_SERVER, "01 81 K [61] 80 81 K [62]", "text:6162" },
    { "three fragments", WS_ROLE_SERVER, "02 81 K [61] 00 81 K [62] 80 81 K [63]",
      "binary:616263" },
    { "a key for each fragment", WS_ROLE_SERVER, "02 83 01 02 03 04 60 60 60 80 82 K [64 65]",
      "binary:6162636465" },
    { "empty first fragment", WS_ROLE_SERVER, "02 80 K 80 81 K [62]", "binary:62" },
    { "empty last fragment", WS_ROLE_SERVER, "02 81 K [61] 80 80 K", "binary:61" },
    { "empty middle fragment", WS_ROLE_SERVER, "02 81 K [61] 00 80 K 80 81 K [62]", "binary:6162" },
    { "only empty fragments", WS_ROLE_SERVER, "02 80 K 00 80 K 80 80 K", "binary:" },
    { "ping between fragments", WS_ROLE_SERVER, "02 81 K [61] 89 81 K [70] 80 81 K [62]",
      "ping:70 binary:6162" },
    { "pong between fragments", WS_ROLE_SERVER, "02 81 K [61] 8a 80 K 80 81 K [62]",
      "pong: binary:6162" },
    { "two pings between fragments", WS_ROLE_SERVER,
      "02 81 K [61] 89 81 K [70] 89 81 K [71] 80 81 K [62]", "ping:70 ping:71 binary:6162" },
    { "close between fragments", WS_ROLE_SERVER, "02 81 K [61] 88 82 K [03 e8]", "close:03e8" },
    { "message after a fragmented one", WS_ROLE_SERVER, "02 81 K [61] 80 81 K [62] 82 81 K [63]",
      "binary:6162 binary:63" },
    { "client: fragments", WS_ROLE_CLIENT, "02 01 61 00 01 62 80 01 63", "binary:616263" },
    { "continuation of nothing", WS_ROLE_SERVER, "80", "bad" },
    { "open continuation of nothing", WS_ROLE_SERVER, "00", "bad" },
    { "continuation after a whole message", WS_ROLE_SERVER, "82 81 K [61] 80", "binary:61 bad" },
    { "continuation after the last fragment", WS_ROLE_SERVER, "02 81 K [61] 80 81 K [62] 80",
      "binary:6162 bad" },
    { "binary inside a message", WS_ROLE_SERVER, "02 81 K [61] 82", "bad" },
    { "text inside a message", WS_ROLE_SERVER, "02 81 K [61] 81", "bad" },
    { "binary inside a text", WS_ROLE_SERVER, "01 81 K [61] 82", "bad" },
    { "new fragmented message inside one", WS_ROLE_SERVER, "02 81 K [61] 02", "bad" },
    { "binary after a ping inside a message", WS_ROLE_SERVER, "02 81 K [61] 89 80 K 82",
      "ping: bad" },
    { "client: continuation of nothing", WS_ROLE_CLIENT, "80", "bad" },
    { "client: text inside a message", WS_ROLE_CLIENT, "02 01 61 81", "bad" },

    /* unfinished input is no message and no fault */
    { "nothing", WS_ROLE_SERVER, "", "" },
    { "one byte of head", WS_ROLE_SERVER, "82", "" },
    { "head without key", WS_ROLE_SERVER, "82 82", "" },
    { "half a key", WS_ROLE_SERVER, "82 82 37 fa", "" },
    { "half a u16 length", WS_ROLE_SERVER, "82 fe 01", "" },
    { "half a u64 length", WS_ROLE_SERVER, "82 ff 00 00 00 00", "" },
    { "half a payload", WS_ROLE_SERVER, "82 84 K [61 62]", "" },
    { "half a ping", WS_ROLE_SERVER, "89 84 K [61 62]", "" },
    { "an open message", WS_ROLE_SERVER, "02 82 K [61 62]", "" },
};

enum {
    FRAME_CASE_COUNT = sizeof frame_cases / sizeof frame_cases[0]
};
