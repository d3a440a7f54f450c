/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of rows, as changes_note.c writes and changes.c follows them.
 *
 * Details of a row, big-endian, by its kind:
 *
 *   HEAD      account_id[32] | epoch u64 | hash[32]
 *   ERASED    account_id[32]
 *   SESSIONS  nothing: every session of the account is looked up again
 *   IDLE      device_id u32 | days u64
 *   HOLD      event u8 | epoch u64 | hash[32] | device_id u32 | held_until u64
 *   KEYS      device_pub[32] | event u8 | count u64 | first use, a day, u64 | slot
 *   CODE      challenge id[16]: the code itself stands sealed in its own row
 *   FACTOR    event u8 | kind u8 | purpose u8 | device_id u32
 *   RECOVERY  event u8 | device_id u32 | recovery_id[16] | wait_until u64 | expires_at u64
 *   KEY_FILES nothing: the register of keys is read again
 *   LINK      link id[16] | event u8 | device_id u32 | expires_at u64 | name
 */
#pragma once

enum change_kind {
    CHANGE_HEAD = 1,
    CHANGE_ERASED,
    CHANGE_SESSIONS,
    CHANGE_IDLE,
    CHANGE_KEYS,
    CHANGE_HOLD,
    CHANGE_CODE,
    CHANGE_FACTOR,
    CHANGE_RECOVERY = 16,
    CHANGE_LINK,
    CHANGE_KEY_FILES = 32 /* the operator's, apart from what is about people */
};
