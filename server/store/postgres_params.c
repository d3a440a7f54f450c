/* SPDX-License-Identifier: Apache-2.0 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/store/postgres_params_private.h"

/* What the operator's URL may overrule. */
static const char *const params_ours[][2] = {
    { "fallback_application_name", "sealpost" },
    { "client_encoding", "UTF8" },
    { "target_session_attrs", "read-write" }, /* of several hosts the one that takes writes */
    { "gssencmode", "disable" },              /* looking for a ticket may block */
    { "tcp_user_timeout", "10000" },
    { "keepalives_idle", "10" },
    { "keepalives_interval", "5" },
    { "keepalives_count", "3" },
};

static size_t params_find(const struct postgres_params *params, const char *keyword)
{
    size_t at = 0;

    while (at < params->count && strcmp(params->keywords[at], keyword) != 0) {
        at++;
    }
    return at;
}

const char *postgres_params_get(const struct postgres_params *params, const char *keyword)
{
    size_t at = params_find(params, keyword);

    return at < params->count ? params->values[at] : "";
}

static void params_drop_value(struct postgres_params *params, size_t at)
{
    mem_wipe(params->values[at], strlen(params->values[at]));
    free(params->values[at]);
}

void postgres_params_set(struct postgres_params *params, const char *keyword, const char *value)
{
    size_t at = params_find(params, keyword);
    char *copy = mem_text(value);

    if (at < params->count) {
        params_drop_value(params, at);
    } else {
        CHECK(params->count < POSTGRES_PARAMS_ROOM);
        params->keywords[at] = mem_text(keyword);
        params->count++;
    }
    params->values[at] = copy;
}

bool postgres_params_init(struct postgres_params *params, const char *url, char *out_error,
                          size_t error_size)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &why);

    *params = (struct postgres_params){ 0 };
    if (options == NULL) { /* libpq's words may quote the password: they are not shown */
        (void)snprintf(out_error, error_size,
                       "storage is no URL of PostgreSQL: write "
                       "postgresql://USER:PASSWORD@HOST/DATABASE with %%XX for odd characters");
        PQfreemem(why);
        return false;
    }
    for (size_t i = 0; i < sizeof params_ours / sizeof params_ours[0]; i++) {
        postgres_params_set(params, params_ours[i][0], params_ours[i][1]);
    }
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val != NULL) {
            postgres_params_set(params, option->keyword, option->val);
        }
    }
    PQconninfoFree(options);
    return true;
}

void postgres_params_copy(struct postgres_params *params, const struct postgres_params *from)
{
    *params = (struct postgres_params){ 0 };
    for (size_t i = 0; i < from->count; i++) {
        postgres_params_set(params, from->keywords[i], from->values[i]);
    }
}

static void params_rotate_list(struct postgres_params *params, const char *keyword, size_t turn)
{
    const char *list = postgres_params_get(params, keyword);
    size_t count = 1;
    const char *first = list;
    struct buf turned = { 0 };

    for (const char *at = strchr(list, ','); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    for (size_t i = turn % count; i > 0; i--) {
        first = strchr(first, ',') + 1;
    }
    if (first == list) {
        return;
    }
    buf_append_text(&turned, first);
    buf_append_u8(&turned, ',');
    buf_append(&turned, bytes_of(list, (size_t)(first - list) - 1));
    buf_append_u8(&turned, 0);
    postgres_params_set(params, keyword, (const char *)turned.at);
    buf_clear(&turned);
}

void postgres_params_rotate(struct postgres_params *params, size_t turn)
{
    params_rotate_list(params, "host", turn);
    params_rotate_list(params, "hostaddr", turn);
    params_rotate_list(params, "port", turn);
}

void postgres_params_clear(struct postgres_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        params_drop_value(params, i);
        free(params->keywords[i]);
    }
    *params = (struct postgres_params){ 0 };
}
