/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "server/ctl/device_state.h"
#include "server/ctl/shares.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

static const struct account_id ada = { .raw = { 1 } };
static const struct account_id bob = { .raw = { 2 } };

static struct recovery_share share_of(const struct account_id *owner, uint8_t slot)
{
    struct recovery_share share = { .account_id = *owner, .slot = slot };

    memset(share.packet, slot, sizeof share.packet);
    return share;
}

static void a_share_is_read_from_its_owners_message_alone(void **state)
{
    struct recovery_share share = share_of(&ada, 3);
    struct recovery_share read;
    struct buf content = { 0 };

    (void)state;
    shares_write(&share, &content);
    assert_true(shares_read(buf_view(&content), &ada, &read));
    assert_memory_equal(read.packet, share.packet, sizeof share.packet);
    assert_int_equal(read.slot, 3);
    assert_false(shares_read(buf_view(&content), &bob, &read));
    for (size_t size = 0; size < content.size; size++) {
        assert_false(shares_read(bytes_of(content.at, size), &ada, &read));
    }
    buf_append_text(&content, "A");
    assert_false(shares_read(buf_view(&content), &ada, &read));
    assert_false(shares_read(bytes_text("sealpost:recovery-share?"), &ada, &read));
    buf_clear(&content);
}

static void the_last_share_of_an_owner_is_kept(void **state)
{
    struct device_state device;
    struct recovery_share share = share_of(&ada, 1);
    struct recovery_share read;
    char folder[TEMP_DIR_BYTES];

    (void)state;
    temp_dir_create(folder);
    device_state_init(&device, folder, "https://relay.example", "one", NULL);
    assert_false(shares_load(&device, &ada, &read));
    assert_true(shares_keep(&device, &share));
    share = share_of(&ada, 2);
    assert_true(shares_keep(&device, &share));
    assert_true(shares_load(&device, &ada, &read));
    assert_int_equal(read.slot, 2);
    assert_false(shares_load(&device, &bob, &read));
    device_state_clear(&device);
    temp_dir_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_read_from_its_owners_message_alone),
        cmocka_unit_test(the_last_share_of_an_owner_is_kept),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
