/* SPDX-License-Identifier: Apache-2.0 */
/* Listening: where, who, how many, and what an operator is told when it fails. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/network.h"
#include "server/net/conn.h"
#include "server/net/peer.h"
#include "tests/net/wire.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

static int open_wire(void **state)
{
    struct wire *wire = mem_zeroed(1, sizeof *wire);

    wire_open(wire, 2, WIRE_PATIENCE_MS);
    *state = wire;
    return 0;
}

static int close_wire(void **state)
{
    wire_close(*state);
    free(*state);
    return 0;
}

static void on_accept(void *arg, struct conn *conn)
{
    struct wire *wire = arg;

    wire->accepted++;
    wire->conn = conn;
    conn_set_protocol(conn, &wire_protocol, wire);
}

static struct listener *listen_at(struct wire *wire, const char *where, bool counts, char *error)
{
    error[0] = '\0';
    return net_listen(wire->net, where, counts, on_accept, wire, error, 300);
}

static void expect_refused(struct wire *wire, const char *where, const char *reason)
{
    char error[300];

    if (listen_at(wire, where, true, error) != NULL) {
        fail_msg("%s was taken", where);
    }
    if (strstr(error, reason) == NULL) {
        fail_msg("%s: %s", where, error);
    }
}

static void a_place_that_is_none_is_refused_with_a_sentence(void **state)
{
    static const char *const nowhere[] = {
        "",      "8080",     ":8080", "127.0.0.1", "127.0.0.1:", "1.2.3.4:x", "127.0.0.1:65536",
        "[::1]", "[::1]8080"
    };

    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        expect_refused(*state, nowhere[i], "is no place to listen");
    }
    expect_refused(*state, "localhost:0", "is no numeric address");
    expect_refused(*state, "192.0.2.1:0", "this machine has no address");
    expect_refused(*state, "unix:relative", "unix:/absolute/path");
    expect_refused(*state, "unix:/tmp/x,mode=9", "unix:/absolute/path");
    expect_refused(*state, "unix:/tmp/x,mode=", "unix:/absolute/path");
    expect_refused(*state, "unix:/tmp/x,mode=1777", "unix:/absolute/path");
    expect_refused(*state, "unix:/tmp/x,group=", "unix:/absolute/path");
    expect_refused(*state, "unix:/tmp/x,mode=0660,owner=root", "unix:/absolute/path");
    expect_refused(*state, "unix:/nonexistent/folder/x", "its folder is missing");
}

static void a_port_in_use_is_named(void **state)
{
    struct wire *wire = *state;
    char where[40];

    (void)snprintf(where, sizeof where, "127.0.0.1:%d", listener_port(wire->listener));
    expect_refused(wire, where, "is in use");
}

static void connections_above_the_limit_are_closed_at_once(void **state)
{
    struct wire *wire = *state;
    int64_t refused = metrics_value(METRIC_connections_refused);
    int peers[3];
    struct buf got = { 0 };

    peers[0] = wire_connect_and_meet(wire);
    peers[1] = wire_connect_and_meet(wire);
    peers[2] = wire_connect(wire);
    while (metrics_value(METRIC_connections_refused) == refused) {
        wire_turn(wire);
    }
    assert_int_equal(net_connection_count(wire->net), 2);
    assert_int_equal(wire_receive(peers[2], &got), -1);
    (void)close(peers[0]);
    while (net_connection_count(wire->net) == 2) {
        wire_turn(wire);
    }
    (void)close(wire_connect_and_meet(wire)); /* there is room again */
    (void)close(peers[1]);
    (void)close(peers[2]);
}

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    return address;
}

static int unix_connect(const char *path)
{
    struct sockaddr_un address = unix_address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

struct place {
    char folder[TEMP_DIR_BYTES];
    char path[TEMP_DIR_BYTES + 8];
    char where[TEMP_DIR_BYTES + 40];
};

static void place_open(struct place *place, const char *options)
{
    temp_dir_create(place->folder);
    (void)snprintf(place->path, sizeof place->path, "%s/sock", place->folder);
    (void)snprintf(place->where, sizeof place->where, "unix:%s%.24s", place->path, options);
}

static void a_unix_socket_has_its_mode_and_knows_its_peers(void **state)
{
    struct wire *wire = *state;
    struct place place;
    struct stat made;
    char error[300];
    uint32_t uid = 12345;

    place_open(&place, ",mode=0600");
    struct listener *listener = listen_at(wire, place.where, false, error);
    assert_non_null(listener);
    assert_int_equal(listener_port(listener), 0);
    assert_int_equal(stat(place.path, &made), 0);
    assert_true(S_ISSOCK(made.st_mode));
    assert_int_equal(made.st_mode & 0777, 0600);
    int peer = unix_connect(place.path);
    while (wire->accepted == 0) {
        wire_turn(wire);
    }
    assert_true(conn_origin(wire->conn)->is_unix);
    assert_true(conn_peer_uid(wire->conn, &uid));
    assert_int_equal(uid, getuid());
    (void)close(peer);
    net_stop_listening(wire->net);
    assert_int_not_equal(stat(place.path, &made), 0); /* removed with its listener */
    temp_dir_remove(place.folder);
}

/* A group that this user may give to: as root any, else one of its own besides the first. */
static bool other_group(gid_t *out)
{
    gid_t groups[64];
    int count = getgroups(64, groups);

    if (geteuid() == 0) {
        *out = 12345;
        return true;
    }
    for (int i = 0; i < count; i++) {
        if (groups[i] != getegid()) {
            *out = groups[i];
            return true;
        }
    }
    return false;
}

static void a_unix_socket_can_be_given_to_a_group(void **state)
{
    struct wire *wire = *state;
    struct place place;
    struct stat made;
    char error[300];
    char options[30];
    gid_t group = 0;

    if (!other_group(&group)) {
        skip();
    }
    (void)snprintf(options, sizeof options, ",group=%u", (unsigned)group);
    place_open(&place, options);
    assert_non_null(listen_at(wire, place.where, true, error));
    assert_int_equal(stat(place.path, &made), 0);
    assert_int_equal(made.st_gid, group);
    assert_int_equal(made.st_mode & 0777, 0660);
    net_stop_listening(wire->net);
    temp_dir_remove(place.folder);
}

static void a_group_that_is_none_is_refused_and_leaves_no_socket(void **state)
{
    struct place place;
    struct stat found;

    place_open(&place, ",group=no-such-group");
    expect_refused(*state, place.where, "there is none of that name");
    assert_int_not_equal(stat(place.path, &found), 0);
    temp_dir_remove(place.folder);
}

static void a_path_may_have_commas(void **state)
{
    struct wire *wire = *state;
    struct place place;
    struct stat made;
    char where[300];
    char error[300];

    place_open(&place, "");
    (void)snprintf(where, sizeof where, "unix:%s,a,mode=0600", place.path);
    assert_non_null(listen_at(wire, where, false, error));
    (void)snprintf(where, sizeof where, "%s,a", place.path);
    assert_int_equal(stat(where, &made), 0);
    assert_int_equal(made.st_mode & 0777, 0600);
    net_stop_listening(wire->net);
    temp_dir_remove(place.folder);
}

static void a_stale_socket_is_replaced_and_a_live_one_refused(void **state)
{
    struct wire *wire = *state;
    struct place place;
    char error[300];

    place_open(&place, "");
    struct sockaddr_un address = unix_address(place.path);
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stale, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(stale); /* as a killed daemon leaves it */
    assert_non_null(listen_at(wire, place.where, true, error));
    expect_refused(wire, place.where, "is in use");
    (void)close(unix_connect(place.path)); /* and the live one still answers */
    net_stop_listening(wire->net);
    temp_dir_remove(place.folder);
}

static void a_file_in_the_way_is_left_alone(void **state)
{
    struct wire *wire = *state;
    struct place place;
    struct stat found;

    place_open(&place, "");
    (void)close(open(place.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    expect_refused(wire, place.where, "is not a socket");
    assert_int_equal(stat(place.path, &found), 0);
    assert_true(S_ISREG(found.st_mode));
    temp_dir_remove(place.folder);
}

static void uncounted_connections_are_spared_limits_and_pressure(void **state)
{
    struct wire *wire = *state;
    struct place place;
    char error[300];
    int peers[2];

    place_open(&place, "");
    peers[0] = wire_connect_and_meet(wire);
    struct conn *counted = wire->conn;
    peers[1] = wire_connect_and_meet(wire);
    assert_non_null(listen_at(wire, place.where, false, error));
    net_set_store_pressure(wire->net, true);
    int spared = unix_connect(place.path);
    while (wire->accepted < 3) {
        wire_turn(wire);
    }
    assert_false(conn_is_paused(wire->conn));
    assert_true(conn_is_paused(counted));
    net_set_store_pressure(wire->net, false);
    assert_false(conn_is_paused(counted));
    (void)close(spared);
    (void)close(peers[0]);
    (void)close(peers[1]);
    temp_dir_remove(place.folder);
}

static void pressure_pauses_those_who_come_later_too(void **state)
{
    struct wire *wire = *state;

    net_set_store_pressure(wire->net, true);
    int peer = wire_connect_and_meet(wire);
    wire_send(peer, "x");
    for (int i = 0; i < 5; i++) {
        wire_turn(wire);
    }
    assert_int_equal(wire->seen.size, 0);
    net_set_store_pressure(wire->net, false);
    wire_wait_for_seen(wire, "x|");
    (void)close(peer);
}

static void peers_have_the_names_that_limits_go_by(void **state)
{
    struct wire *wire = *state;
    uint32_t uid = 12345;
    char name[NETWORK_NAME_BYTES];
    int peer = wire_connect_and_meet(wire);

    network_name(&conn_origin(wire->conn)->address, name);
    assert_string_equal(name, "127.0.0.1");
    assert_false(conn_origin(wire->conn)->is_unix);
    assert_false(conn_peer_uid(wire->conn, &uid));
    assert_int_equal(uid, 12345);
    (void)close(peer);
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* When no descriptor is left, accepting rests, and goes on when there is one again. */
static void without_descriptors_the_loop_sleeps_and_recovers(void **state)
{
    enum {
        WAIT_MS = 20,
        SPIN_US = 1000000,
        RECOVER_MS = 1000,
        RESTS = 5
    };
    struct wire *wire = *state;
    struct rlimit before;
    int64_t rests = metrics_value(METRIC_accept_rests);

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    if (getenv("SEALPOST_UNDER_VALGRIND") != NULL) {
        skip(); /* it needs descriptors of its own */
    }

    int peer = wire_connect(wire);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = { .rlim_cur = (rlim_t)peer + 1, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    loop_turn(wire->loop, WAIT_MS);
    int64_t began = clock_steady_ms();
    loop_turn(wire->loop, WAIT_MS);
    loop_turn(wire->loop, WAIT_MS);
    int64_t took = clock_steady_ms() - began;
    int64_t spent = cpu_us();
    while (metrics_value(METRIC_accept_rests) < rests + RESTS) { /* a second and more */
        loop_turn(wire->loop, WAIT_MS);
    }
    assert_true(cpu_us() - spent < SPIN_US / 2);
    size_t accepted = wire->accepted;
    began = clock_steady_ms();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(accepted, 0);
    assert_true(took >= WAIT_MS + WAIT_MS - 2);
    (void)close(wire_connect_and_meet(wire));
    assert_true(clock_steady_ms() - began <= RECOVER_MS);
    (void)close(peer);
}

static void after_stop_listening_connections_stay_and_nobody_comes(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    net_stop_listening(wire->net);
    wire_send(peer, "still served");
    wire_wait_for_seen(wire, "still served|");
    assert_int_equal(net_connection_count(wire->net), 1);
    (void)close(peer);
}

int main(void)
{
#define ON_WIRE(test) cmocka_unit_test_setup_teardown(test, open_wire, close_wire)
    const struct CMUnitTest tests[] = {
        ON_WIRE(a_place_that_is_none_is_refused_with_a_sentence),
        ON_WIRE(a_port_in_use_is_named),
        ON_WIRE(connections_above_the_limit_are_closed_at_once),
        ON_WIRE(a_unix_socket_has_its_mode_and_knows_its_peers),
        ON_WIRE(a_unix_socket_can_be_given_to_a_group),
        ON_WIRE(a_group_that_is_none_is_refused_and_leaves_no_socket),
        ON_WIRE(a_path_may_have_commas),
        ON_WIRE(a_stale_socket_is_replaced_and_a_live_one_refused),
        ON_WIRE(a_file_in_the_way_is_left_alone),
        ON_WIRE(uncounted_connections_are_spared_limits_and_pressure),
        ON_WIRE(pressure_pauses_those_who_come_later_too),
        ON_WIRE(peers_have_the_names_that_limits_go_by),
        ON_WIRE(without_descriptors_the_loop_sleeps_and_recovers),
        ON_WIRE(after_stop_listening_connections_stay_and_nobody_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
