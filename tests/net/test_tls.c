/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes: which are made, which are refused, how many, how long; resumption. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/metrics.h"
#include "server/net/tls_private.h"
#include "tests/net/tls_room.h"
#include "tests/support/unit.h"

enum {
    ALL = 1 << 30,
    SHORT_MS = 200,
    ALERT_NO_PROTOCOL = 120, /* RFC 7301 section 3.2 */
    PEERS_MAX = TLS_ROOM_HANDSHAKES + 2
};

static void use_version(struct tls_peer *peer, int version)
{
    /* The library keeps old versions to level 0; here the relay must be who refuses. */
    SSL_CTX_set_security_level(peer->context, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(peer->context, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(peer->context, version), 1);
}

static void say_and_hear(struct tls_room *room)
{
    struct buf got = { 0 };

    tls_peer_say(&room->peer, "hello");
    wire_wait_for_seen(&room->wire, "hello|");
    conn_write(room->wire.conn, bytes_text("answer"));
    tls_peer_hear_all(&room->peer, &got, strlen("answer"));
    assert_true(bytes_equal(buf_view(&got), bytes_text("answer")));
    assert_true(conn_is_tls(room->wire.conn));
    buf_clear(&got);
}

static void tls_1_3_is_spoken(void **state)
{
    struct tls_room *room = *state;
    int64_t before = metrics_value(METRIC_tls_handshakes);

    tls_peer_meet(&room->peer);
    assert_int_equal(SSL_version(room->peer.ssl), TLS1_3_VERSION);
    say_and_hear(room);
    assert_int_equal(metrics_value(METRIC_tls_handshakes), before + 1);
}

static void tls_1_2_is_spoken_with_forward_secrecy(void **state)
{
    struct tls_room *room = *state;

    use_version(&room->peer, TLS1_2_VERSION);
    tls_peer_meet(&room->peer);
    assert_int_equal(SSL_version(room->peer.ssl), TLS1_2_VERSION);
    assert_string_equal(SSL_get_cipher_name(room->peer.ssl), "ECDHE-ECDSA-AES256-GCM-SHA384");
    say_and_hear(room);
}

static void expect_refused(struct tls_room *room)
{
    int64_t failed = metrics_value(METRIC_tls_handshakes_failed);
    size_t accepted = room->wire.accepted;

    tls_peer_connect(&room->peer, NULL);
    assert_false(tls_peer_shake(&room->peer, ALL));
    assert_int_equal(metrics_value(METRIC_tls_handshakes_failed), failed + 1);
    assert_int_equal(room->wire.accepted, accepted);
    tls_peer_drop(&room->peer);
}

static void older_versions_are_refused(void **state)
{
    struct tls_room *room = *state;

    use_version(&room->peer, TLS1_1_VERSION);
    expect_refused(room);
    use_version(&room->peer, TLS1_VERSION);
    expect_refused(room);
}

static void ciphers_without_forward_secrecy_or_aead_are_refused(void **state)
{
    static const char *const weak[] = { "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA",
                                        "AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384",
                                        "ECDHE-ECDSA-AES128-CCM8" };
    struct tls_room *room = *state;

    use_version(&room->peer, TLS1_2_VERSION);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        assert_int_equal(SSL_CTX_set_cipher_list(room->peer.context, weak[i]), 1);
        expect_refused(room);
    }
}

static void a_client_that_offers_all_ciphers_gets_ours_first(void **state)
{
    struct tls_room *room = *state;

    use_version(&room->peer, TLS1_2_VERSION);
    assert_int_equal(
        SSL_CTX_set_cipher_list(room->peer.context, "ECDHE-ECDSA-AES128-GCM-SHA256:ALL"), 1);
    tls_peer_meet(&room->peer);
    assert_string_equal(SSL_get_cipher_name(room->peer.ssl), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

static void offer(struct tls_peer *peer, const char *protocols)
{
    assert_int_equal(SSL_CTX_set_alpn_protos(peer->context, (const unsigned char *)protocols,
                                             (unsigned)strlen(protocols)),
                     0);
}

static void http_1_1_is_chosen_among_protocols(void **state)
{
    struct tls_room *room = *state;
    const unsigned char *chosen = NULL;
    unsigned size = 0;

    offer(&room->peer, "\x02h2\x08http/1.1\x08http/1.0");
    tls_peer_meet(&room->peer);
    SSL_get0_alpn_selected(room->peer.ssl, &chosen, &size);
    assert_true(bytes_equal(bytes_of(chosen, size), bytes_text("http/1.1")));
    say_and_hear(room);
}

static void other_protocols_are_refused_by_their_alert(void **state)
{
    struct tls_room *room = *state;

    offer(&room->peer, "\x02h2\x08http/1.0\x07http/1.");
    expect_refused(room);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()),
                     SSL_AD_REASON_OFFSET + ALERT_NO_PROTOCOL);
}

static void any_server_name_gets_the_one_certificate(void **state)
{
    char other[] = "somebody.else.example";
    struct tls_room *room = *state;

    room->wire.conn = NULL;
    tls_peer_connect(&room->peer, NULL);
    assert_int_equal(SSL_set_tlsext_host_name(room->peer.ssl, other), 1);
    assert_true(tls_peer_shake(&room->peer, ALL));
    X509 *cert = SSL_get1_peer_certificate(room->peer.ssl);
    assert_int_equal(X509_check_host(cert, "relay.example", 0, 0, NULL), 1);
    X509_free(cert);
}

static void compression_and_renegotiation_are_off(void **state)
{
    struct tls_room *room = *state;

    use_version(&room->peer, TLS1_2_VERSION);
    (void)SSL_CTX_clear_options(room->peer.context, SSL_OP_NO_COMPRESSION);
    tls_peer_meet(&room->peer);
    assert_null(SSL_get_current_compression(room->peer.ssl));
    assert_int_equal(SSL_renegotiate(room->peer.ssl), 1);
    assert_false(tls_peer_shake(&room->peer, ALL));
}

/* ---- how long, how many ---- */

static void a_peer_that_stops_in_the_middle_is_gone_at_the_deadline(void **state)
{
    struct tls_room *room = *state;
    int64_t failed = metrics_value(METRIC_tls_handshakes_failed);
    int64_t began = clock_steady_ms();

    room->tls->limits.handshake_timeout_ms = SHORT_MS;
    tls_peer_connect(&room->peer, NULL);
    (void)SSL_do_handshake(room->peer.ssl);
    (void)tls_peer_send(&room->peer, 20);
    while (!room->peer.is_over) {
        wire_turn(&room->wire);
        tls_peer_receive(&room->peer);
        (void)tls_peer_send(&room->peer, 1); /* a byte now and then buys no time */
    }
    assert_true(clock_steady_ms() - began >= SHORT_MS);
    assert_int_equal(metrics_value(METRIC_tls_handshakes_failed), failed + 1);
    assert_int_equal(room->wire.accepted, 0);
    assert_int_equal(net_connection_count(room->wire.net), 0);
}

static void handshakes_above_the_cap_are_closed_at_once_and_counted(void **state)
{
    struct tls_room *room = *state;
    int64_t refused = metrics_value(METRIC_tls_handshakes_refused);
    int peers[PEERS_MAX];
    struct buf got = { 0 };

    for (size_t i = 0; i < PEERS_MAX; i++) {
        peers[i] = wire_connect(&room->wire);
    }
    while (metrics_value(METRIC_tls_handshakes_refused) < refused + 2) {
        wire_turn(&room->wire);
    }
    assert_int_equal(net_connection_count(room->wire.net), TLS_ROOM_HANDSHAKES);
    assert_int_equal(wire_receive(peers[PEERS_MAX - 1], &got), -1);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        (void)close(peers[i]);
    }
    while (net_connection_count(room->wire.net) > 0) {
        wire_turn(&room->wire);
    }
    tls_peer_meet(&room->peer); /* there is room again */
    say_and_hear(room);
}

static void connections_whose_handshake_is_over_do_not_count(void **state)
{
    struct tls_room *room = *state;
    struct tls_peer others[TLS_ROOM_HANDSHAKES + 1];

    for (size_t i = 0; i < TLS_ROOM_HANDSHAKES + 1; i++) {
        tls_peer_init(&others[i], &room->wire);
        tls_peer_meet(&others[i]);
    }
    tls_peer_meet(&room->peer);
    say_and_hear(room);
    for (size_t i = 0; i < TLS_ROOM_HANDSHAKES + 1; i++) {
        tls_peer_clear(&others[i]);
    }
}

static void plain_http_is_told_so(void **state)
{
    struct tls_room *room = *state;
    struct buf got = { 0 };
    int peer = wire_connect(&room->wire);
    long size = 0;

    wire_send(peer, "OPTIONS * HTTP/1.1\r\n\r\n");
    while (size >= 0) {
        wire_turn(&room->wire);
        size = wire_receive(peer, &got);
    }
    assert_true(bytes_equal(buf_view(&got), bytes_text("this is TLS")));
    assert_int_equal(room->plain, 1);
    assert_int_equal(room->wire.accepted, 0);
    buf_clear(&got);
    (void)close(peer);
}

static void bytes_that_are_nothing_are_refused(void **state)
{
    static const char *const nothing[] = { "\x80\x2e\x01\x03\x01", "\x01\x02\x03\x04\x05\x06",
                                           "\x16\x03\x01\x40\x01\x01\x02\x03",
                                           "\x16\x03\x01\x00\x05\x0a\x0a\x0a\x0a\x0a" };
    struct tls_room *room = *state;

    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        int64_t failed = metrics_value(METRIC_tls_handshakes_failed);
        int peer = wire_connect(&room->wire);
        wire_send(peer, nothing[i]);
        (void)shutdown(peer, SHUT_WR);
        while (metrics_value(METRIC_tls_handshakes_failed) == failed ||
               net_connection_count(room->wire.net) > 0) {
            wire_turn(&room->wire);
        }
        (void)close(peer);
    }
    assert_int_equal(room->plain, 0);
    assert_int_equal(room->wire.accepted, 0);
}

/* ---- resumption ---- */

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

static void keep_sessions(struct tls_peer *peer, SSL_SESSION **kept)
{
    (void)SSL_CTX_set_app_data(peer->context, kept);
    (void)SSL_CTX_set_session_cache_mode(peer->context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(peer->context, on_session);
}

/* Meet, and read until a ticket has come. */
static void meet_for_a_ticket(struct tls_room *room)
{
    room->wire.seen.size = 0;
    tls_peer_meet(&room->peer);
    say_and_hear(room);
}

static void resume(struct tls_room *room, SSL_SESSION *session, bool is_resumed)
{
    tls_peer_drop(&room->peer);
    room->wire.seen.size = 0;
    room->wire.conn = NULL;
    tls_peer_connect(&room->peer, session);
    assert_true(tls_peer_shake(&room->peer, ALL));
    assert_int_equal(SSL_session_reused(room->peer.ssl), is_resumed);
    while (room->wire.conn == NULL) {
        wire_turn(&room->wire);
    }
    say_and_hear(room);
}

static void reload(struct tls_room *room)
{
    char error[TLS_ERROR_BYTES];

    tls_paths_make(&room->paths, room->folder, "renewed.example", tls_room_later_s());
    const struct tls_files files = tls_paths_files(&room->paths);
    assert_true(tls_reload(room->tls, &files, clock_now_ms(), error, sizeof error));
}

static void resume_across_a_reload(struct tls_room *room, int version)
{
    SSL_SESSION *kept = NULL;

    use_version(&room->peer, version);
    keep_sessions(&room->peer, &kept);
    meet_for_a_ticket(room);
    assert_non_null(kept);
    reload(room);
    resume(room, kept, true);
    SSL_SESSION_free(kept);
    kept = NULL;
    resume(room, NULL, false);
    X509 *cert = SSL_get1_peer_certificate(room->peer.ssl);
    assert_int_equal(X509_check_host(cert, "renewed.example", 0, 0, NULL), 1);
    X509_free(cert);
    SSL_SESSION_free(kept);
}

static void a_tls_1_3_session_is_resumed_across_a_new_certificate(void **state)
{
    resume_across_a_reload(*state, TLS1_3_VERSION);
}

static void a_tls_1_2_session_is_resumed_across_a_new_certificate(void **state)
{
    resume_across_a_reload(*state, TLS1_2_VERSION);
}

static void a_connection_survives_a_new_certificate(void **state)
{
    struct tls_room *room = *state;

    tls_peer_meet(&room->peer);
    reload(room);
    say_and_hear(room);
}

static void tickets_die_with_their_key(void **state)
{
    struct tls_room *room = *state;
    SSL_SESSION *kept = NULL;

    keep_sessions(&room->peer, &kept);
    meet_for_a_ticket(room);
    SSL_SESSION *first = kept;
    kept = NULL;
    int64_t now = clock_steady_ms();
    tls_ticket_rotate(&room->tls->tickets, now + TLS_TICKET_TURN_MS);
    room->tls->tickets.current.made_at = now;
    resume(room, first, true); /* the previous key still opens */
    assert_non_null(kept);     /* and a new ticket came */
    tls_ticket_rotate(&room->tls->tickets, now + TLS_TICKET_TURN_MS);
    room->tls->tickets.current.made_at = now;
    resume(room, first, false);
    SSL_SESSION_free(first);
    SSL_SESSION_free(kept);
}

int main(void)
{
#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, tls_room_open, tls_room_close)
    const struct CMUnitTest tests[] = {
        IN_ROOM(tls_1_3_is_spoken),
        IN_ROOM(tls_1_2_is_spoken_with_forward_secrecy),
        IN_ROOM(older_versions_are_refused),
        IN_ROOM(ciphers_without_forward_secrecy_or_aead_are_refused),
        IN_ROOM(a_client_that_offers_all_ciphers_gets_ours_first),
        IN_ROOM(http_1_1_is_chosen_among_protocols),
        IN_ROOM(other_protocols_are_refused_by_their_alert),
        IN_ROOM(any_server_name_gets_the_one_certificate),
        IN_ROOM(compression_and_renegotiation_are_off),
        IN_ROOM(a_peer_that_stops_in_the_middle_is_gone_at_the_deadline),
        IN_ROOM(handshakes_above_the_cap_are_closed_at_once_and_counted),
        IN_ROOM(connections_whose_handshake_is_over_do_not_count),
        IN_ROOM(plain_http_is_told_so),
        IN_ROOM(bytes_that_are_nothing_are_refused),
        IN_ROOM(a_tls_1_3_session_is_resumed_across_a_new_certificate),
        IN_ROOM(a_tls_1_2_session_is_resumed_across_a_new_certificate),
        IN_ROOM(a_connection_survives_a_new_certificate),
        IN_ROOM(tickets_die_with_their_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
