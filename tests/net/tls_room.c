/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/tls_room.h"

#include <signal.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/support/unit.h"

enum {
    CONNECTIONS = 100,
    MONTH_S = 2592000
};

int64_t tls_room_later_s(void)
{
    return clock_now_ms() / 1000 + MONTH_S;
}

static void on_plain(void *arg, struct conn *conn)
{
    struct tls_room *room = arg;

    room->plain++;
    conn_set_protocol(conn, &wire_protocol, &room->wire);
    conn_write(conn, bytes_text("this is TLS"));
    conn_finish(conn);
}

int tls_room_open(void **state)
{
    struct tls_room *room = mem_zeroed(1, sizeof *room);
    const struct tls_limits limits = { .handshake_timeout_ms = TLS_ROOM_TIMEOUT_MS,
                                       .handshakes_max = TLS_ROOM_HANDSHAKES };
    char error[TLS_ERROR_BYTES];

    (void)signal(SIGPIPE, SIG_IGN);
    wire_open(&room->wire, CONNECTIONS, WIRE_PATIENCE_MS);
    temp_dir_create(room->folder);
    tls_paths_make(&room->paths, room->folder, "relay.example", tls_room_later_s());
    const struct tls_files files = tls_paths_files(&room->paths);
    room->tls = tls_create(&files, &limits, error, sizeof error);
    assert_non_null(room->tls);
    listener_set_tls(room->wire.listener, room->tls, on_plain);
    tls_peer_init(&room->peer, &room->wire);
    *state = room;
    return 0;
}

int tls_room_close(void **state)
{
    struct tls_room *room = *state;

    tls_peer_clear(&room->peer);
    wire_close(&room->wire);
    tls_destroy(room->tls);
    temp_dir_remove(room->folder);
    free(room);
    return 0;
}
