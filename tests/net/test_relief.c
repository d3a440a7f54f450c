/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "tests/net/wire.h"
#include "tests/support/unit.h"

enum {
    MANY_BYTES = 8000000, /* more than a socket's buffers take */
    FEW_BYTES = 1000,
    ROOM_BYTES = 10000000 /* the buffer of one, which doubles, and not of two */
};

static uint8_t many[MANY_BYTES];

static int open_wire(void **state)
{
    struct wire *wire = mem_zeroed(1, sizeof *wire);

    wire_open(wire, 100, WIRE_PATIENCE_MS);
    *state = wire;
    return 0;
}

static int close_wire(void **state)
{
    struct wire *wire = *state;

    wire_close(wire);
    assert_int_equal(wire->output.held_bytes, 0);
    assert_int_equal(wire->input.held_bytes, 0);
    free(wire);
    return 0;
}

static void who_takes_nothing_gives_way_when_all_together_hold_too_much(void **state)
{
    struct wire *wire = *state;
    int stuck = wire_connect_and_meet(wire);
    int64_t relieved = metrics_value(METRIC_connections_relieved);

    wire->output.max_bytes = ROOM_BYTES;
    conn_write(wire->conn, bytes_of(many, MANY_BYTES));
    wire_turn(wire);
    int other = wire_connect_and_meet(wire);
    struct conn *reading = wire->conn;
    assert_int_equal(wire->closed, 0);
    conn_write(reading, bytes_of(many, MANY_BYTES));
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->end, CONN_END_ROOM);
    assert_ptr_equal(wire->conn, reading); /* it had no time to take anything yet */
    assert_int_equal(metrics_value(METRIC_connections_relieved), relieved + 1);
    (void)close(stuck);
    (void)close(other);
}

static void whoever_holds_little_stays(void **state)
{
    struct wire *wire = *state;
    int small = wire_connect_and_meet(wire);
    struct conn *of_small = wire->conn;

    conn_write(of_small, bytes_of(many, MANY_BYTES)); /* blocks it */
    wire_turn(wire);
    size_t waits = conn_output_bytes(of_small);
    assert_true(waits > 0);
    int large = wire_connect_and_meet(wire);
    struct conn *of_large = wire->conn;
    conn_write(of_large, bytes_of(many, MANY_BYTES));
    conn_write(of_large, bytes_of(many, MANY_BYTES));
    conn_write(of_large, bytes_of(many, MANY_BYTES));
    wire_turn(wire);
    assert_int_equal(wire->closed, 0);
    wire->output.max_bytes = wire->output.held_bytes - 1;
    wire_wait(wire, wire_is_closed);
    assert_null(wire->conn); /* the large one, which was the newest */
    assert_int_equal(wire->closed, 1);
    assert_int_equal(conn_output_bytes(of_small), waits);
    (void)close(small);
    (void)close(large);
}

static void nobody_is_closed_while_all_take(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);
    struct buf got = { 0 };

    wire->output.max_bytes = 1;
    for (int i = 0; i < 20; i++) {
        conn_write(wire->conn, bytes_of(many, FEW_BYTES));
        wire_turn(wire);
    }
    while (got.size < 20 * (size_t)FEW_BYTES) {
        wire_turn(wire);
        while (wire_receive(peer, &got) > 0) {
        }
    }
    assert_int_equal(wire->closed, 0);
    assert_int_equal(wire->output.held_bytes, 0);
    buf_clear(&got);
    (void)close(peer);
}

static void what_nobody_reads_is_kept_within_the_room_of_all(void **state)
{
    struct wire *wire = *state;
    int first = wire_connect_and_meet(wire);
    struct conn *of_first = wire->conn;

    wire->take_max = 0;
    wire_send(first, "kept");
    wire_wait_for_seen(wire, "kept|");
    assert_true(wire->input.held_bytes > 0);
    wire->input.max_bytes = wire->input.held_bytes / 2; /* twice that is for what is small */
    int second = wire_connect_and_meet(wire);
    wire_send(second, "too much");
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->end, CONN_END_ROOM);
    assert_false(conn_is_paused(of_first));
    (void)close(first);
    (void)close(second);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_takes_nothing_gives_way_when_all_together_hold_too_much,
                                        open_wire, close_wire),
        cmocka_unit_test_setup_teardown(whoever_holds_little_stays, open_wire, close_wire),
        cmocka_unit_test_setup_teardown(nobody_is_closed_while_all_take, open_wire, close_wire),
        cmocka_unit_test_setup_teardown(what_nobody_reads_is_kept_within_the_room_of_all, open_wire,
                                        close_wire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
