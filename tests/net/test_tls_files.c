/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys as files: what is taken, what is refused and how it is said. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/net/tls.h"
#include "tests/net/tls_room.h"
#include "tests/support/unit.h"

enum {
    DAY_S = 86400
};

static const struct tls_limits limits = { .handshake_timeout_ms = 1000, .handshakes_max = 1 };

static void expect_refused(const char *cert, const char *key, const char *reason)
{
    const struct tls_files files = { .cert = cert, .key = key };
    char error[TLS_ERROR_BYTES];

    if (tls_create(&files, &limits, error, sizeof error) != NULL) {
        fail_msg("%s with %s was taken", cert, key);
    }
    if (strstr(error, reason) == NULL) {
        fail_msg("not \"%s\": %s", reason, error);
    }
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void what_is_no_pair_is_refused_with_a_sentence(void **state)
{
    struct tls_room *room = *state;
    const struct tls_paths *good = &room->paths;
    struct tls_paths other;
    char path[TLS_PATH_BYTES];

    tls_paths_make(&other, room->folder, "other", tls_room_later_s());
    expect_refused("/nonexistent/cert", good->key, "/nonexistent/cert: cannot be read");
    expect_refused(good->cert, "/nonexistent/key", "check tls_key");
    expect_refused(room->folder, good->key, "no regular file");
    expect_refused(good->cert, other.key, "does not belong to the certificate");
    expect_refused(good->key, good->key, "holds no certificate in PEM");
    expect_refused(good->cert, good->cert, "holds no private key in PEM");
    (void)snprintf(path, sizeof path, "%s/empty", room->folder);
    put(path, "");
    expect_refused(path, good->key, "holds no certificate in PEM");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    static const mode_t open_modes[] = { 0604, 0644, 0660, 0666, 0601 };
    static const mode_t closed_modes[] = { 0400, 0440, 0600, 0640 };
    struct tls_room *room = *state;
    const struct tls_files files = tls_paths_files(&room->paths);
    char error[TLS_ERROR_BYTES];

    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        assert_int_equal(chmod(files.key, open_modes[i]), 0);
        expect_refused(files.cert, files.key, "chmod 0600");
    }
    for (size_t i = 0; i < sizeof closed_modes / sizeof closed_modes[0]; i++) {
        assert_int_equal(chmod(files.key, closed_modes[i]), 0);
        struct tls *tls = tls_create(&files, &limits, error, sizeof error);
        assert_non_null(tls);
        tls_destroy(tls);
    }
}

/* Made with: openssl pkcs8 -topk8 -v2 aes-128-cbc -passout pass:x; it is used for nothing. */
static const char locked_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgYdJ5HGtH6/QICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEKf6t1l8S7eZzZkV3/I6C78EgZCt\n"
    "1wAZXnvt28DKA26nzhpo2G/4qFsw8l92mi3ErrfeToH4fJEgzKbI1QNtztw++aik\n"
    "CkktddpAsHs01MI1CnLRgKi8EXZCwxUFexCA4mE1++Nn/qgNutk0HWd+YTYvV3MV\n"
    "wn13sfEfRvw9MSTheakDmuJ2t0+JYwC6kERVinhe6uFzuNZMnwB9e6pXRnxMxRc=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static void a_key_with_a_passphrase_is_refused_and_nobody_is_asked(void **state)
{
    struct tls_room *room = *state;

    put(room->paths.key, locked_key);
    expect_refused(room->paths.cert, room->paths.key, "without a passphrase");
}

static bool reload(struct tls_room *room, const struct tls_paths *paths, char *error)
{
    const struct tls_files files = tls_paths_files(paths);

    return tls_reload(room->tls, &files, clock_now_ms(), error, TLS_ERROR_BYTES);
}

static void a_refused_reload_keeps_the_old_pair(void **state)
{
    struct tls_room *room = *state;
    struct tls_paths mixed = room->paths;
    struct tls_paths other;
    char error[TLS_ERROR_BYTES];

    tls_paths_make(&other, room->folder, "other", tls_room_later_s());
    (void)snprintf(mixed.key, sizeof mixed.key, "%s", other.key);
    assert_false(reload(room, &mixed, error));
    assert_non_null(strstr(error, "does not belong"));
    assert_true(tls_covers(room->tls, "relay.example"));
    tls_peer_meet(&room->peer);
    assert_true(reload(room, &other, error));
    assert_true(tls_covers(room->tls, "other"));
    assert_false(tls_covers(room->tls, "relay.example"));
}

static void an_expired_certificate_is_no_renewal_but_a_start(void **state)
{
    struct tls_room *room = *state;
    int64_t now_s = clock_now_ms() / 1000;
    struct tls_paths old;
    char error[TLS_ERROR_BYTES];

    tls_paths_make(&old, room->folder, "old", now_s - DAY_S);
    assert_false(reload(room, &old, error));
    assert_non_null(strstr(error, "has expired"));
    assert_true(tls_expires_s(room->tls) > now_s);
    const struct tls_files files = tls_paths_files(&old);
    struct tls *tls = tls_create(&files, &limits, error, sizeof error);
    assert_non_null(tls);
    assert_int_equal(tls_expires_s(tls), now_s - DAY_S);
    tls_destroy(tls);
}

static void a_certificate_knows_its_names(void **state)
{
    struct tls_room *room = *state;

    assert_true(tls_covers(room->tls, "relay.example"));
    assert_true(tls_covers(room->tls, "127.0.0.1"));
    assert_true(tls_covers(room->tls, "::1"));
    assert_false(tls_covers(room->tls, "example"));
    assert_false(tls_covers(room->tls, "127.0.0.2"));
}

static void new_files_are_noticed_when_they_have_come_to_rest(void **state)
{
    struct tls_room *room = *state;
    char error[TLS_ERROR_BYTES];

    assert_false(tls_has_new_files(room->tls));
    tls_paths_make(&room->paths, room->folder, "relay.example", tls_room_later_s());
    assert_false(tls_has_new_files(room->tls)); /* the next half may still be written */
    assert_true(tls_has_new_files(room->tls));
    assert_true(reload(room, &room->paths, error));
    assert_false(tls_has_new_files(room->tls));
}

/* As certbot does: links that are made to point at the next pair. */
static void a_link_that_points_elsewhere_is_noticed(void **state)
{
    struct tls_room *room = *state;
    struct tls_paths links;
    struct tls_paths next;
    char error[TLS_ERROR_BYTES];

    (void)snprintf(links.cert, sizeof links.cert, "%s/live.cert", room->folder);
    (void)snprintf(links.key, sizeof links.key, "%s/live.key", room->folder);
    assert_int_equal(symlink(room->paths.cert, links.cert), 0);
    assert_int_equal(symlink(room->paths.key, links.key), 0);
    assert_true(reload(room, &links, error));
    assert_false(tls_has_new_files(room->tls));
    tls_paths_make(&next, room->folder, "next", tls_room_later_s());
    assert_false(tls_has_new_files(room->tls));
    assert_int_equal(unlink(links.cert), 0);
    assert_int_equal(symlink(next.cert, links.cert), 0);
    assert_false(tls_has_new_files(room->tls));
    assert_true(tls_has_new_files(room->tls));
    assert_false(reload(room, &links, error));  /* its key is still the old one */
    assert_false(tls_has_new_files(room->tls)); /* what was tried is not tried again */
    assert_int_equal(unlink(links.key), 0);
    assert_int_equal(symlink(next.key, links.key), 0);
    assert_false(tls_has_new_files(room->tls));
    assert_true(tls_has_new_files(room->tls));
    assert_true(reload(room, &links, error));
    assert_true(tls_covers(room->tls, "next"));
}

int main(void)
{
#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, tls_room_open, tls_room_close)
    const struct CMUnitTest tests[] = {
        IN_ROOM(what_is_no_pair_is_refused_with_a_sentence),
        IN_ROOM(a_key_that_others_may_read_is_refused),
        IN_ROOM(a_key_with_a_passphrase_is_refused_and_nobody_is_asked),
        IN_ROOM(a_refused_reload_keeps_the_old_pair),
        IN_ROOM(an_expired_certificate_is_no_renewal_but_a_start),
        IN_ROOM(a_certificate_knows_its_names),
        IN_ROOM(new_files_are_noticed_when_they_have_come_to_rest),
        IN_ROOM(a_link_that_points_elsewhere_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
