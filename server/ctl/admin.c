/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/admin.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/ctl/admin_print.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum {
    USES_MAX = 1000000,
    PAGE_MAX = 1000,
    PAGE_DEFAULT = 100,
    EXPIRES_DEFAULT_S = 604800, /* a week */
};

static const char socket_default[] = "/var/lib/sealpost/admin.sock";
static const char host[] = "http://localhost"; /* libcurl wants one; the socket is what counts */

static const char *socket_path(const struct arguments *arguments)
{
    const char *by_environment = secure_getenv("SEALPOST_ADMIN_SOCKET");

    return arguments_text(arguments, OPTION_SOCKET,
                          by_environment == NULL ? socket_default : by_environment);
}

typedef void print_fn(json_t *answer);

/* Call and print the answer: as JSON when that is wanted, else with print. */
static enum exit_code ask(const struct arguments *arguments, const struct http_call *call,
                          print_fn *print)
{
    struct http_client *client = http_client_create(host, socket_path(arguments), NULL);
    json_t *answer = NULL;
    enum exit_code code = http_client_ask(client, call, &answer);

    if (code == EXIT_CODE_OK) {
        if (arguments_has(arguments, OPTION_JSON)) {
            say_json_steal(json_incref(answer));
        } else {
            print(answer);
        }
        json_decref(answer);
    }
    http_client_destroy(client);
    return code;
}

/* The body of a request for an invite; NULL, with the reason said, when an option is wrong. */
static json_t *invite_request(const struct arguments *arguments)
{
    const char *expires = arguments_text(arguments, OPTION_EXPIRES, NULL);
    int64_t uses = 1;
    int64_t expires_in_s = EXPIRES_DEFAULT_S;

    if (!arguments_number(arguments, OPTION_USES, 1, USES_MAX, &uses)) {
        return NULL;
    }
    if (expires != NULL && (!arguments_duration(expires, &expires_in_s) || expires_in_s == 0)) {
        say_error("--expires wants a time such as 12h or 7d");
        return NULL;
    }
    return json_pack("{s:I, s:I, s:s}", "uses", (json_int_t)uses, "expires_in_s",
                     (json_int_t)expires_in_s, "note", arguments_text(arguments, OPTION_NOTE, ""));
}

enum exit_code admin_invite_create(const struct arguments *arguments)
{
    const struct http_call call = { .method = "POST",
                                    .path = "/admin/invites",
                                    .body = invite_request(arguments) };

    return call.body == NULL ? EXIT_CODE_USAGE : ask(arguments, &call, admin_print_invite);
}

char *admin_invite(const struct arguments *arguments)
{
    const struct http_call call = { .method = "POST",
                                    .path = "/admin/invites",
                                    .raw = "{\"uses\":1,\"expires_in_s\":3600,\"note\":\"\"}" };
    struct http_reply reply = { .status = 0 };
    char *invite = NULL;

    if (access(socket_path(arguments), R_OK | W_OK) != 0) {
        return NULL;
    }
    struct http_client *client = http_client_create(host, socket_path(arguments), NULL);
    if (http_client_call(client, &call, &reply)) {
        const char *text = json_string_value(json_object_get(reply.json, "invite"));
        invite = text == NULL ? NULL : mem_text(text);
        http_reply_clear(&reply);
    }
    http_client_destroy(client);
    return invite;
}

enum exit_code admin_invite_list(const struct arguments *arguments)
{
    const struct http_call call = { .method = "GET", .path = "/admin/invites" };

    return ask(arguments, &call, admin_print_invites);
}

/* Say whether text is one segment of a path as it stands. */
static bool is_segment(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    if (text[0] == '\0' || text[strspn(text, letters)] != '\0') {
        say_error("\"%.60s\" is no id; copy it as it was listed", text);
        return false;
    }
    return true;
}

/* Call a path that ends in the id that is the command's argument. */
static enum exit_code ask_id(const struct arguments *arguments, const char *method,
                             const char *path, print_fn *print)
{
    struct buf whole = { 0 };

    if (!is_segment(arguments->words[0])) {
        return EXIT_CODE_USAGE;
    }
    buf_append_format(&whole, "%s%s", path, arguments->words[0]);
    buf_append_u8(&whole, 0);
    const struct http_call call = { .method = method, .path = (const char *)whole.at };
    enum exit_code code = ask(arguments, &call, print);
    buf_clear(&whole);
    return code;
}

enum exit_code admin_invite_revoke(const struct arguments *arguments)
{
    return ask_id(arguments, "DELETE", "/admin/invites/", admin_print_done);
}

enum exit_code admin_account_list(const struct arguments *arguments)
{
    int64_t limit = PAGE_DEFAULT;
    int64_t after = 0;
    struct buf path = { 0 };

    if (!arguments_number(arguments, OPTION_LIMIT, 1, PAGE_MAX, &limit) ||
        !arguments_number(arguments, OPTION_AFTER, 0, INT64_MAX / 2, &after)) {
        return EXIT_CODE_USAGE;
    }
    buf_append_format(&path, "/admin/accounts?limit=%" PRId64 "&after=%" PRId64, limit, after);
    buf_append_u8(&path, 0);
    const struct http_call call = { .method = "GET", .path = (const char *)path.at };
    enum exit_code code = ask(arguments, &call, admin_print_accounts);
    buf_clear(&path);
    return code;
}

enum exit_code admin_account_show(const struct arguments *arguments)
{
    return ask_id(arguments, "GET", "/admin/accounts/", admin_print_report);
}

enum exit_code admin_account_erase(const struct arguments *arguments)
{
    if (!arguments_has(arguments, OPTION_YES)) {
        say_error("this erases the account with all its devices and mail for good; add --yes");
        return EXIT_CODE_USAGE;
    }
    return ask_id(arguments, "DELETE", "/admin/accounts/", admin_print_done);
}

enum exit_code admin_keys_stats(const struct arguments *arguments)
{
    return ask_id(arguments, "GET", "/admin/keys/", admin_print_keys);
}

enum exit_code admin_queue(const struct arguments *arguments)
{
    const struct http_call all = { .method = "GET", .path = "/admin/queues" };

    if (arguments->word_count > 0) {
        return ask_id(arguments, "GET", "/admin/queues?account=", admin_print_queues);
    }
    return ask(arguments, &all, admin_print_queues);
}

enum exit_code admin_stats(const struct arguments *arguments)
{
    const struct http_call call = { .method = "GET", .path = "/admin/stats" };

    return ask(arguments, &call, admin_print_stats);
}

enum exit_code admin_db_restored(const struct arguments *arguments)
{
    const struct http_call call = { .method = "POST", .path = "/admin/restored", .raw = "{}" };

    if (!arguments_has(arguments, OPTION_YES)) {
        say_error("this makes every seq jump and raises the relay's generation: say --yes if an"
                  " older state of this machine was put back, keys and all");
        return EXIT_CODE_USAGE;
    }
    return ask(arguments, &call, admin_print_stats);
}
