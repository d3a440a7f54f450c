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
#include "server/http/server.h"
#include "server/net/conn.h"
#include "server/net/net.h"

enum {
    WHERE_BYTES = 512
};

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

/* name: "clients", "tls" (clients too), "ops" or "admin". */
static bool listen_at(struct app *app, const char *where, const char *name, char *out_error,
                      size_t error_size)
{
    bool tls = strcmp(name, "tls") == 0;
    bool clients = tls || strcmp(name, "clients") == 0;
    bool admin = strcmp(name, "admin") == 0;
    struct http_server *server = clients ? app->clients : admin ? app->admin : app->ops;
    struct listener *listener =
        net_listen(app->net, where, clients, admin ? on_admin : http_server_accept, server,
                   out_error, error_size);

    if (listener == NULL) {
        return false;
    }
    if (tls) {
        listener_set_tls(listener, app->tls, http_server_refuse_plain);
    }
    log_info("listen", "name=%s port=%u", name, (unsigned)listener_port(listener));
    return true;
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
        if (size > 0 && !listen_at(app, where, name, out_error, error_size)) {
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
    return listen_at(app, where, "admin", out_error, error_size) &&
           (app->config.ops_listen[0] == '\0' ||
            listen_at(app, app->config.ops_listen, "ops", out_error, error_size)) &&
           listen_at_each(app, app->config.listen, "clients", out_error, error_size) &&
           listen_at_each(app, app->config.tls_listen, "tls", out_error, error_size);
}
