/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/config_check.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/key_slots.h"
#include "common/mem.h"
#include "common/network.h"
#include "server/config/address.h"
#include "server/config/config.h"
#include "server/config/fault.h"
#include "server/config/settings.h"
#include "server/config/storage.h"
#include "server/config/url.h"

enum {
    RELAY_NAME_MAX_BYTES = 100
};

struct checking {
    const struct config *config;
    const struct settings *settings;
    const struct fault *fault;
};

/*
 * Say "ORIGIN: NAME = "VALUE": WHY" unless why is NULL; where NAME was not given the ORIGIN is that
 * of other, which it was made of or does not go with.
 */
static bool goes_with(const struct checking *checking, const char *name, const char *other,
                      const char *value, const char *why)
{
    return why == NULL ||
           fault_say(checking->fault, "%s: %s = \"%.120s\": %s",
                     settings_blame(checking->settings, name, other), name, value, why);
}

static bool holds(const struct checking *checking, const char *name, const char *value,
                  const char *why)
{
    return goes_with(checking, name, name, value, why);
}

typedef const char *check_part_fn(const char *part);

/* Call fault_of for each part of a comma-separated value; spaces around commas do not count. */
static bool parts_hold(const struct checking *checking, const char *name, const char *value,
                       check_part_fn *fault_of)
{
    char *copy = mem_text(value);
    char *rest = copy;
    bool good = true;

    while (good && rest != NULL) {
        char *part = strsep(&rest, ",");
        size_t size = 0;
        part += strspn(part, " ");
        size = strlen(part);
        while (size > 0 && part[size - 1] == ' ') {
            part[--size] = '\0';
        }
        good = holds(checking, name, part, fault_of(part));
    }
    free(copy);
    return good;
}

static bool base_url_holds(const struct checking *checking)
{
    const char *url = checking->config->base_url;

    if (url[0] == '\0') {
        return fault_say(
            checking->fault,
            "%s: base_url is not set: write the URL under which clients reach this relay, "
            "e.g. base_url = \"https://relay.example\"",
            settings_blame(checking->settings, "base_url", "base_url"));
    }
    return holds(checking, "base_url", url, url_base_fault(url));
}

static bool names_hold(const struct checking *checking)
{
    const char *name = checking->config->name;
    size_t size = strlen(name);

    return holds(checking, "name", name,
                 size >= 1 && size <= RELAY_NAME_MAX_BYTES ? NULL : "it must have 1 to 100 bytes");
}

static const char *path_fault(const char *path)
{
    return path[0] == '/' ? NULL : "it must be a path that begins with a slash";
}

static const char *tls_address_fault(const char *address)
{
    return strncmp(address, "unix:", strlen("unix:")) == 0
               ? "TLS is for addresses of the network; put unix sockets into listen"
               : address_fault(address);
}

/* Files are looked at by whoever loads them. */
static bool tls_holds(const struct checking *checking)
{
    const struct config *config = checking->config;

    if (config->tls_listen[0] == '\0') {
        return true;
    }
    return parts_hold(checking, "tls_listen", config->tls_listen, tls_address_fault) &&
           goes_with(checking, "tls_cert", "tls_listen", config->tls_cert,
                     config->tls_cert[0] == '\0'
                         ? "tls_listen needs a certificate; write the path of its file"
                         : path_fault(config->tls_cert)) &&
           goes_with(checking, "tls_key", "tls_listen", config->tls_key,
                     config->tls_key[0] == '\0'
                         ? "tls_listen needs a key; write the path of its file"
                         : path_fault(config->tls_key));
}

static bool clients_hold(const struct checking *checking)
{
    const struct config *config = checking->config;

    if (config->listen[0] == '\0') {
        return holds(checking, "listen", "",
                     config->tls_listen[0] != '\0'
                         ? NULL
                         : "it is empty and so is tls_listen: clients must connect somewhere");
    }
    return parts_hold(checking, "listen", config->listen, address_fault) &&
           holds(checking, "listen_mode", config->listen_mode,
                 address_mode_fault(config->listen_mode)) &&
           holds(checking, "listen_group", config->listen_group,
                 address_group_fault(config->listen_group));
}

static bool listeners_hold(const struct checking *checking)
{
    const struct config *config = checking->config;
    const char *ops = config->ops_listen;

    if (!clients_hold(checking)) {
        return false;
    }
    if (ops[0] != '\0') {
        if (!holds(checking, "ops_listen", ops, address_fault(ops))) {
            return false;
        }
        if (!address_is_local(ops)) {
            return holds(checking, "ops_listen", ops,
                         "it must be a loopback address (127.0.0.1, [::1]) or a unix socket: what "
                         "it serves is for the operator alone");
        }
        if (strcmp(ops, config->listen) == 0 && strstr(ops, ":0") == NULL) {
            return goes_with(checking, "ops_listen", "listen", ops,
                             "clients connect there; choose another");
        }
    }
    return goes_with(checking, "admin_socket", "data_dir", config->admin_socket,
                     address_socket_fault(config->admin_socket));
}

static const char *proxy_fault(const char *proxy)
{
    struct network network;

    return strcmp(proxy, "unix") == 0 || network_parse(bytes_text(proxy), &network)
               ? NULL
               : "write an address, a block like 10.0.0.0/8 or 2001:db8::/32 whose further bits "
                 "are 0, or unix";
}

static bool proxies_hold(const struct checking *checking)
{
    const char *proxies = checking->config->trusted_proxies;

    return proxies[0] == '\0' || parts_hold(checking, "trusted_proxies", proxies, proxy_fault);
}

/* What is wrong with PROXY headers on these listeners; NULL: nothing. */
static const char *proxy_protocol_fault(const struct config *config)
{
    if (config->proxy_protocol == PROXY_PROTOCOL_OFF) {
        return NULL;
    }
    if (config->trusted_proxies[0] == '\0') {
        return "trusted_proxies is empty, so that nobody could connect there; name the proxies";
    }
    if (config->proxy_protocol != PROXY_PROTOCOL_TLS_LISTEN && config->listen[0] == '\0') {
        return "listen is empty; set it, or name the listeners that there are";
    }
    return config->proxy_protocol != PROXY_PROTOCOL_LISTEN && config->tls_listen[0] == '\0'
               ? "tls_listen is empty; set it, or name the listeners that there are"
               : NULL;
}

static bool proxy_protocol_holds(const struct checking *checking)
{
    static const char *const names[] = { "off", "listen", "tls_listen", "both" };

    return holds(checking, "proxy_protocol", names[checking->config->proxy_protocol],
                 proxy_protocol_fault(checking->config));
}

/* Say whether two paths are the same but for slashes at the end. */
static bool same_path(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);

    while (a_size > 1 && a[a_size - 1] == '/') {
        a_size--;
    }
    while (b_size > 1 && b[b_size - 1] == '/') {
        b_size--;
    }
    return a_size == b_size && strncmp(a, b, a_size) == 0;
}

static bool storage_holds(const struct checking *checking)
{
    struct buf shown = { 0 };
    bool good = true;

    storage_mask(checking->config->storage, &shown);
    buf_append_u8(&shown, 0);
    good = holds(checking, "storage", (const char *)shown.at,
                 storage_fault(checking->config->storage));
    buf_clear(&shown);
    return good;
}

static const char *listen_url_fault(const struct config *config)
{
    const char *url = config->postgres_listen_url;

    if (!storage_is_postgres(config->storage)) {
        return "storage is no PostgreSQL database: there is nothing to hear";
    }
    return storage_is_postgres(url) ? storage_fault(url)
                                    : "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE";
}

static bool listen_url_holds(const struct checking *checking)
{
    struct buf shown = { 0 };
    bool good = true;

    if (checking->config->postgres_listen_url[0] == '\0') {
        return true;
    }
    storage_mask(checking->config->postgres_listen_url, &shown);
    buf_append_u8(&shown, 0);
    good = holds(checking, "postgres_listen_url", (const char *)shown.at,
                 listen_url_fault(checking->config));
    buf_clear(&shown);
    return good;
}

static bool places_hold(const struct checking *checking)
{
    const struct config *config = checking->config;

    if (same_path(config->key_dir, config->data_dir)) {
        return goes_with(
            checking, "key_dir", "data_dir", config->key_dir,
            "it must not be data_dir: keys and database do not belong into one backup");
    }
    return holds(checking, "data_dir", config->data_dir, path_fault(config->data_dir)) &&
           goes_with(checking, "key_dir", "data_dir", config->key_dir,
                     path_fault(config->key_dir)) &&
           storage_holds(checking) && listen_url_holds(checking);
}

static bool origins_hold(const struct checking *checking)
{
    const char *origins = checking->config->cors_origins;

    if (origins[0] == '\0' || strcmp(origins, "*") == 0) {
        return true;
    }
    return parts_hold(checking, "cors_origins", origins, url_origin_fault);
}

/* Say whether host is rp_id or below it (WebAuthn, Level 3, section 5.1.2). */
static bool is_below(struct bytes host, const char *rp_id)
{
    size_t size = strlen(rp_id);

    if (host.size > size && host.at[host.size - size - 1] == '.') {
        host = bytes_of(host.at + host.size - size, size);
    }
    return bytes_equal(host, bytes_text(rp_id));
}

static const char *asker_fault(const char *origin)
{
    static const char app[] = "android:apk-key-hash:";

    return strncmp(origin, app, strlen(app)) == 0 ? NULL : url_origin_fault(origin);
}

static bool party_holds(const struct checking *checking)
{
    const struct config *config = checking->config;
    const char *rp_id = config->webauthn_rp_id;
    const char *at = config->webauthn_origins;

    if (!goes_with(checking, "webauthn_rp_id", "base_url", rp_id, url_host_fault(rp_id)) ||
        !parts_hold(checking, "webauthn_origins", at, asker_fault)) {
        return false;
    }
    while (*at != '\0') {
        at += strspn(at, ", ");
        if (strncmp(at, "http", strlen("http")) == 0 && !is_below(url_host(at), rp_id)) {
            return goes_with(checking, "webauthn_origins", "webauthn_rp_id",
                             config->webauthn_origins,
                             "the host of each web origin must be webauthn_rp_id, or below it");
        }
        at += strcspn(at, ",");
    }
    return true;
}

static const char *key_slot_fault(const char *part)
{
    struct key_slots_part read;

    return key_slots_read(part, &read);
}

static bool key_slots_hold(const struct checking *checking)
{
    const char *list = checking->config->key_slots_opaque;
    size_t count = 1;

    for (const char *at = list; *at != '\0'; at++) {
        count += *at == ',';
    }
    if (count > KEY_SLOTS_OPAQUE_MAX) {
        return holds(checking, "key_slots_opaque", list, "there may be at most 16 of them");
    }
    return list[0] == '\0' || parts_hold(checking, "key_slots_opaque", list, key_slot_fault);
}

/* Of two limits in days that are on, the second must not come before the first. */
static bool days_hold(const struct checking *checking, const char *first_name, int64_t first,
                      const char *second_name, int64_t second)
{
    if (first == 0 || second == 0 || first <= second) {
        return true;
    }
    return fault_say(checking->fault,
                     "%s: %s is %" PRId64 " days, but %s is %" PRId64
                     " already; make it at least as long",
                     settings_blame(checking->settings, second_name, first_name), second_name,
                     second, first_name, first);
}

static bool idle_times_hold(const struct checking *checking)
{
    const struct config *config = checking->config;

    return days_hold(checking, "idle_device_warn_days", config->idle_device_warn_days,
                     "idle_device_close_days", config->idle_device_close_days) &&
           days_hold(checking, "idle_device_close_days", config->idle_device_close_days,
                     "idle_account_days", config->idle_account_days);
}

bool config_check(const struct config *config, const struct settings *settings,
                  const struct fault *fault)
{
    const struct checking checking = { .config = config, .settings = settings, .fault = fault };

    return base_url_holds(&checking) && names_hold(&checking) && places_hold(&checking) &&
           listeners_hold(&checking) && tls_holds(&checking) && proxies_hold(&checking) &&
           proxy_protocol_holds(&checking) && origins_hold(&checking) && party_holds(&checking) &&
           key_slots_hold(&checking) && idle_times_hold(&checking);
}
