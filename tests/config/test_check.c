/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "server/config/url.h"
#include "tests/config/reading.h"

static void expect_url(const char *url, const char *words)
{
    const char *said = url_base_fault(url);

    if (words == NULL ? said != NULL : said == NULL || strstr(said, words) == NULL) {
        fail_msg("%s: %s", url, said == NULL ? "taken" : said);
    }
}

static void base_urls_in_the_one_spelling_are_taken(void **state)
{
    static const char *const urls[] = {
        "https://relay.example",
        "http://relay.example",
        "https://relay.example:8443",
        "https://relay.example:80",
        "http://relay.example:443",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://[2001:db8::1]",
        "https://a-b.c1.relay.example",
        "https://relay",
        "https://relay.example/inner",
        "https://relay.example/A.b_c~d-e/2",
        "https://relay.example/...",
    };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        expect_url(urls[i], NULL);
    }
}

static void every_other_spelling_of_a_base_url_is_refused(void **state)
{
    static const struct {
        const char *url;
        const char *words;
    } cases[] = {
        { "", "begin with https://" },
        { "relay.example", "begin with https://" },
        { "HTTPS://relay.example", "begin with https://" },
        { "ftp://relay.example", "begin with https://" },
        { "https:/relay.example", "begin with https://" },
        { "https://", "host" },
        { "https:///x", "host" },
        { "https://:8443", "host" },
        { "https://Relay.example", "host" },
        { "https://relay..example", "host" },
        { "https://relay.example.", "host" },
        { "https://-relay.example", "host" },
        { "https://relay-.example", "host" },
        { "https://relay_x.example", "host" },
        { "https://user@relay.example", "host" },
        { "https://relay.example?x", "host" },
        { "https://rel\xc3\xa4y.example", "host" },
        { "https://[::1", "host" },
        { "https://[]", "host" },
        { "https://[0:0::1]", "host" },
        { "https://[2001:DB8::1]", "host" },
        { "https://relay.example:", "port" },
        { "https://relay.example:0", "port" },
        { "https://relay.example:08443", "port" },
        { "https://relay.example:65536", "port" },
        { "https://relay.example:999999", "port" },
        { "https://relay.example:443", "own" },
        { "http://relay.example:80", "own" },
        { "https://relay.example:443/x", "own" },
        { "https://relay.example:8443x", "segments" },
        { "https://relay.example/", "slash" },
        { "https://relay.example/x/", "slash" },
        { "https://relay.example//x", "segments" },
        { "https://relay.example/%41", "segments" },
        { "https://relay.example/a b", "segments" },
        { "https://relay.example/x?y", "segments" },
        { "https://relay.example/x#y", "segments" },
        { "https://relay.example/.", "segments" },
        { "https://relay.example/../x", "segments" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_url(cases[i].url, cases[i].words);
    }
}

static void a_base_url_has_255_bytes_at_most(void **state)
{
    char url[300] = "https://relay.example/";

    (void)state;
    memset(url + strlen(url), 'x', 255 - strlen(url));
    assert_int_equal(strlen(url), 255);
    expect_url(url, NULL);
    url[255] = 'x';
    expect_url(url, "255 bytes");
}

static void labels_and_hosts_have_the_lengths_of_dns(void **state)
{
    char url[300] = "https://";

    (void)state;
    memset(url + 8, 'a', 63);
    expect_url(url, NULL);
    url[8 + 63] = 'a';
    expect_url(url, "host");
}

static void listeners_are_numeric_addresses_or_sockets(void **state)
{
    static const char *const good[] = {
        "listen = \"0.0.0.0:80\"",
        "listen = \"[::]:80\"",
        "listen = \"127.0.0.1:0\"",
        "listen = \"unix:/run/s.sock\"",
        "listen = \"127.0.0.1:80, [::1]:80,unix:/run/s.sock\"",
    };
    static const char *const bad[] = {
        "listen = \"\"",
        "listen = \"8080\"",
        "listen = \":8080\"",
        "listen = \"localhost:8080\"",
        "listen = \"::1:8080\"",
        "listen = \"[127.0.0.1]:80\"",
        "listen = \"[::1]\"",
        "listen = \"[]:80\"",
        "listen = \"]:80\"",
        "listen = \"127.0.0.1:\"",
        "listen = \"127.0.0.1:65536\"",
        "listen = \"127.0.0.1:+80\"",
        "listen = \"127.0.0.1:80,\"",
        "listen = \"127.0.0.1:80,,127.0.0.1:81\"",
        "listen = \"unix:run/s.sock\"",
        "listen = \"0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:80\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        expect_taken(good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_refused(bad[i], ":2: listen = ");
    }
}

static void socket_paths_fit_into_an_address(void **state)
{
    char line[256];
    char path[128];

    (void)state;
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[107] = '\0';
    (void)snprintf(line, sizeof line, "admin_socket = %s", path);
    expect_taken(line);
    path[107] = 'x';
    path[108] = '\0';
    (void)snprintf(line, sizeof line, "admin_socket = %s", path);
    expect_refused(line, "shorter than 108 bytes");
    (void)snprintf(line, sizeof line, "data_dir = %s", path);
    expect_refused(line, "admin_socket");
}

static void the_operators_listener_is_for_this_machine(void **state)
{
    (void)state;
    expect_taken("ops_listen = \"\"");
    expect_taken("ops_listen = \"127.8.9.1:9090\"");
    expect_taken("ops_listen = \"[::1]:9090\"");
    expect_taken("ops_listen = \"unix:/run/ops.sock\"");
    expect_taken("listen = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"");
    expect_refused("ops_listen = \"0.0.0.0:9090\"", "must be a loopback address");
    expect_refused("ops_listen = \"[::]:9090\"", "must be a loopback address");
    expect_refused("ops_listen = \"127.0.0.1:9090,127.0.0.1:9091\"", "write ADDRESS:PORT");
    expect_refused("ops_listen = \"127.0.0.1:8080\"", "clients connect there");
}

static void paths_are_whole_and_keys_lie_apart(void **state)
{
    (void)state;
    expect_refused("data_dir = \"data\"", "data_dir = \"data\": it must be a path that begins");
    expect_refused("data_dir = \"\"", "data_dir = \"\": it must be a path");
    expect_refused("key_dir = \"keys\"", "key_dir = \"keys\": it must be a path");
    expect_refused("data_dir = /srv\nkey_dir = /srv", "it must not be data_dir");
    expect_refused("data_dir = /srv\nkey_dir = /srv/", "it must not be data_dir");
    expect_taken("key_dir = /etc/sealpost/keys");
}

static void storage_names_an_engine_and_a_place(void **state)
{
    (void)state;
    expect_taken("storage = \"sqlite:\"");
    expect_taken("storage = \"sqlite:/srv/relay.db\"");
    expect_taken("storage = \"postgresql://relay:secret@db:5432/relay?sslmode=require\"");
    expect_refused("storage = \"pgsql://relay:secret@db\"", "pgsql://relay:***@db");
    expect_refused("storage = \"sqlite\"", "write sqlite:");
    expect_refused("storage = \"sqlite:relay.db\"", "behind sqlite:");
    expect_refused("storage = \"mysql:\"", "write sqlite:");
#ifndef SEALPOST_BENCH
    expect_refused("storage = \"none:\"", "write sqlite:");
#endif
}

static void web_origins_have_no_path(void **state)
{
    (void)state;
    expect_taken("cors_origins = \"*\"");
    expect_taken("cors_origins = \"https://app.relay.example, http://localhost:3000\"");
    expect_refused("cors_origins = \"https://app.relay.example/\"", "an origin has no path");
    expect_refused("cors_origins = \"app.relay.example\"", "begin with https://");
    expect_refused("cors_origins = \"https://app.relay.example,*\"", "cors_origins = \"*\"");
    expect_refused("cors_origins = \"https://app.relay.example,\"", "cors_origins = \"\"");
}

static void authenticators_are_asked_at_their_host_and_below_it(void **state)
{
    (void)state;
    expect_taken("webauthn_rp_id = \"relay.example\"");
    expect_taken("webauthn_rp_id = \"example\"");
    expect_taken("webauthn_origins = \"https://relay.example,https://app.relay.example:8443\"");
    expect_taken("webauthn_origins = \"https://relay.example, android:apk-key-hash:AAAA\"");
    expect_refused("webauthn_rp_id = \"https://relay.example\"", "its host must be a name");
    expect_refused("webauthn_rp_id = \"Relay.example\"", "its host must be a name");
    expect_refused("webauthn_rp_id = \"other.example\"", "must be webauthn_rp_id, or below it");
    expect_refused("webauthn_origins = \"https://relay.example,https://other.example\"",
                   "must be webauthn_rp_id, or below it");
    expect_refused("webauthn_origins = \"https://norelay.example\"",
                   "must be webauthn_rp_id, or below it");
    expect_refused("webauthn_origins = \"https://relay.example/app\"", "an origin has no path");
    expect_refused("webauthn_origins = \"relay.example\"", "begin with https://");
    expect_refused("webauthn_origins = \"https://relay.example,\"", "webauthn_origins = \"\"");
}

static void the_parts_of_a_url_end_where_they_do(void **state)
{
    static const struct {
        const char *url;
        const char *host;
        const char *origin;
    } cases[] = {
        { "https://relay.example", "relay.example", "https://relay.example" },
        { "https://relay.example:8443/inner", "relay.example", "https://relay.example:8443" },
        { "http://[::1]:8080/x", "[::1]", "http://[::1]:8080" },
        { "", "", "" },
        { "http://[::1", "[::1", "http://[::1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(bytes_equal(url_host(cases[i].url), bytes_text(cases[i].host)));
        assert_true(bytes_equal(url_origin(cases[i].url), bytes_text(cases[i].origin)));
    }
}

static void the_relays_name_has_1_to_100_bytes(void **state)
{
    char line[128] = "name = ";

    (void)state;
    expect_refused("name = \"\"", "1 to 100 bytes");
    memset(line + strlen(line), 'x', 100);
    expect_taken(line);
    line[strlen(line)] = 'x';
    expect_refused(line, "1 to 100 bytes");
}

static void idle_limits_come_one_after_the_other(void **state)
{
    (void)state;
    expect_taken("idle_device_warn_days = 10\nidle_device_close_days = 10");
    expect_taken("idle_device_warn_days = 0\nidle_device_close_days = 1");
    expect_taken("idle_device_warn_days = 9\nidle_device_close_days = 0");
    expect_refused("idle_device_close_days = 29",
                   ":2: idle_device_close_days is 29 days, but idle_device_warn_days is 30");
    expect_refused("idle_account_days = 44", "idle_account_days is 44 days, but");
    expect_taken("idle_account_days = 45");
}

static void tls_wants_its_files(void **state)
{
    (void)state;
    expect_taken("tls_listen = \"0.0.0.0:443, [::]:443\"\ntls_cert = \"/c\"\ntls_key = \"/k\"");
    expect_taken(
        "listen = \"\"\ntls_listen = \"0.0.0.0:443\"\ntls_cert = \"/c\"\ntls_key = \"/k\"");
    expect_taken("tls_cert = \"anything\""); /* not used */
    expect_refused("tls_listen = \"0.0.0.0:443\"", "needs a certificate");
    expect_refused("tls_listen = \"0.0.0.0:443\"\ntls_cert = \"/c\"", "needs a key");
    expect_refused("tls_listen = \"0.0.0.0:443\"\ntls_cert = \"c\"\ntls_key = \"/k\"",
                   "begins with a slash");
    expect_refused("tls_listen = \"0.0.0.0\"\ntls_cert = \"/c\"\ntls_key = \"/k\"",
                   "write ADDRESS:PORT");
    expect_refused("tls_listen = \"unix:/s\"\ntls_cert = \"/c\"\ntls_key = \"/k\"",
                   "put unix sockets into listen");
    expect_refused("listen = \"\"", "clients must connect somewhere");
}

static void proxy_headers_want_proxies_and_listeners(void **state)
{
    static const char tls[] = "trusted_proxies = \"::1\"\ntls_listen = \"[::]:443\"\n"
                              "tls_cert = \"/c\"\ntls_key = \"/k\"\n";
    char text[300];

    (void)state;
    expect_taken("trusted_proxies = \"unix\"\nproxy_protocol = listen");
    (void)snprintf(text, sizeof text, "%sproxy_protocol = both", tls);
    expect_taken(text);
    (void)snprintf(text, sizeof text, "%slisten = \"\"\nproxy_protocol = tls_listen", tls);
    expect_taken(text);
    (void)snprintf(text, sizeof text, "%slisten = \"\"\nproxy_protocol = both", tls);
    expect_refused(text, "listen is empty");
    expect_refused("proxy_protocol = listen", "trusted_proxies is empty");
    expect_refused("trusted_proxies = \"::1\"\nproxy_protocol = both", "tls_listen is empty");
    expect_refused("trusted_proxies = \"::1\"\nproxy_protocol = yes", "proxy_protocol");
}

static void sockets_have_a_mode_and_a_group(void **state)
{
    static const char *const modes[] = {
        "", "660x", "0888", "1660", "00660", "0060", "rw", "0400"
    };
    char text[100];

    (void)state;
    expect_taken("listen_mode = \"0666\"\nlisten_group = \"www-data\"");
    expect_taken("listen_mode = \"600\"\nlisten_group = \"33\"");
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        (void)snprintf(text, sizeof text, "listen_mode = \"%s\"", modes[i]);
        expect_refused(text, "0660");
    }
    expect_refused("listen_group = \"a,mode=0777\"", "name of a group");
    expect_refused("listen_group = \"a b\"", "name of a group");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_have_a_mode_and_a_group),
        cmocka_unit_test(proxy_headers_want_proxies_and_listeners),
        cmocka_unit_test(base_urls_in_the_one_spelling_are_taken),
        cmocka_unit_test(every_other_spelling_of_a_base_url_is_refused),
        cmocka_unit_test(a_base_url_has_255_bytes_at_most),
        cmocka_unit_test(labels_and_hosts_have_the_lengths_of_dns),
        cmocka_unit_test(listeners_are_numeric_addresses_or_sockets),
        cmocka_unit_test(socket_paths_fit_into_an_address),
        cmocka_unit_test(the_operators_listener_is_for_this_machine),
        cmocka_unit_test(paths_are_whole_and_keys_lie_apart),
        cmocka_unit_test(storage_names_an_engine_and_a_place),
        cmocka_unit_test(web_origins_have_no_path),
        cmocka_unit_test(authenticators_are_asked_at_their_host_and_below_it),
        cmocka_unit_test(the_parts_of_a_url_end_where_they_do),
        cmocka_unit_test(the_relays_name_has_1_to_100_bytes),
        cmocka_unit_test(idle_limits_come_one_after_the_other),
        cmocka_unit_test(tls_wants_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
