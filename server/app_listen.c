/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: where clients, the operator's eyes and the operator's hand come in. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/handed.h"
#include "server/http/server.h"
#include "server/net/conn.h"
#include "server/net/net.h"

enum {
    WHERE_BYTES = 512,
    RIGHTS_BYTES = 100
};

/* Say whether connections to clients' listeners of this kind begin with a PROXY header. */
static bool is_proxied(const struct app *app, bool tls)
{
    int bit = tls ? PROXY_PROTOCOL_TLS_LISTEN : PROXY_PROTOCOL_LISTEN;

    return (app->config.proxy_protocol & bit) != 0;
}

/* Only root and the daemon's own user may give orders. */
static void on_admin(void *arg, struct conn *conn)
{
    uint32_t uid = 0;

    if (!conn_peer_uid(conn, &uid) || (uid != 0 && uid != geteuid())) {
        log_warn("admin.refused", "reason=\"peer is neither root nor the daemon's user\"");
        conn_close(conn, CONN_END_OURS);
        return;
    }
    http_server_accept(arg, conn);
}

/* Where connections of the listener called name go: "clients", "tls" (clients too), "ops" or "admin". */
static struct http_server *server_of(const struct app *app, const char *name)
{
    if (strcmp(name, "admin") == 0) {
        return app->admin;
    }
    return strcmp(name, "ops") == 0 ? app->ops : app->clients;
}

static void tell_listener(struct app *app, struct listener *listener, const char *name,
                          const char *more)
{
    bool tls = strcmp(name, "tls") == 0;

    if (tls) {
        listener_set_tls(listener, app->tls, http_server_refuse_plain);
    }
    if (server_of(app, name) == app->clients && is_proxied(app, tls)) {
        listener_set_proxied(listener);
    }
    log_info("listen", "name=%s port=%u%s", name, (unsigned)listener_port(listener), more);
}

static bool listen_at(struct app *app, const char *where, const char *name, char *out_error,
                      size_t error_size)
{
    bool admin = strcmp(name, "admin") == 0;
    struct http_server *server = server_of(app, name);
    struct listener *listener =
        net_listen(app->net, where, server == app->clients, admin ? on_admin : http_server_accept,
                   server, out_error, error_size);

    if (listener == NULL) {
        return false;
    }
    tell_listener(app, listener, name, "");
    return true;
}

static void take_handed(void *arg, int fd, const char *name)
{
    struct app *app = arg;
    struct http_server *server = server_of(app, name);

    tell_listener(
        app, net_listen_handed(app->net, fd, server == app->clients, http_server_accept, server),
        name, " handed=yes");
}

/* Listen there; whom a unix socket for clients is open to is said by options of its own. */
static bool listen_as_set(struct app *app, const char *where, const char *name, char *out_error,
                          size_t error_size)
{
    const struct config *config = &app->config;
    const char *group = config->listen_group;
    char whole[WHERE_BYTES + RIGHTS_BYTES];

    if (strcmp(name, "clients") != 0 || strncmp(where, "unix:", strlen("unix:")) != 0) {
        return listen_at(app, where, name, out_error, error_size);
    }
    (void)snprintf(whole, sizeof whole, "%s,mode=%.8s%s%.64s", where, config->listen_mode,
                   group[0] == '\0' ? "" : ",group=", group);
    return listen_at(app, whole, name, out_error, error_size);
}

/* Listen at each of the comma-separated places. */
static bool listen_at_each(struct app *app, const char *places, const char *name, char *out_error,
                           size_t error_size)
{
    const char *at = places;
    char where[WHERE_BYTES];

    while (*at != '\0') {
        size_t size = 0;
        at += strspn(at, ", ");
        size = strcspn(at, ",");
        while (size > 0 && at[size - 1] == ' ') {
            size--;
        }
        if (size >= sizeof where) {
            (void)snprintf(out_error, error_size, "a place to listen is too long: %.40s...", at);
            return false;
        }
        memcpy(where, at, size);
        where[size] = '\0';
        if (size > 0 && !listen_as_set(app, where, name, out_error, error_size)) {
            return false;
        }
        at += strcspn(at, ",");
    }
    return true;
}

bool app_listen(struct app *app, char *out_error, size_t error_size)
{
    char where[WHERE_BYTES];

    (void)snprintf(where, sizeof where, "unix:%s,mode=0600", app->config.admin_socket);
    if (!listen_at(app, where, "admin", out_error, error_size)) {
        return false;
    }
    handed_take(&app->handed, take_handed, app);
    return (handed_has(&app->handed, "ops") ||
            listen_at_each(app, app->config.ops_listen, "ops", out_error, error_size)) &&
           (handed_has(&app->handed, "clients") ||
            listen_at_each(app, app->config.listen, "clients", out_error, error_size)) &&
           (handed_has(&app->handed, "tls") ||
            listen_at_each(app, app->config.tls_listen, "tls", out_error, error_size));
}
