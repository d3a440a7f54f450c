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
#include "common/bytes.h"
#include "common/decimal.h"
#include "common/mem.h"
#include "server/ctl/admin_print.h"
#include "server/ctl/answer.h"
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

/* Print the answer and decref it: as JSON when that is wanted, else with print.  NULL: it is empty. */
static void print_answer_steal(const struct arguments *arguments, json_t *answer, print_fn *print)
{
    json_t *value = answer == NULL ? json_object() : answer;

    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(value);
    } else {
        print(value);
        json_decref(value);
    }
}

/* Call and print the answer. */
static enum exit_code ask(const struct arguments *arguments, const struct http_call *call,
                          print_fn *print)
{
    struct http_client *client = http_client_create(host, socket_path(arguments), NULL);
    json_t *answer = NULL;
    enum exit_code code = http_client_ask(client, call, &answer);

    if (code == EXIT_CODE_OK) {
        print_answer_steal(arguments, answer, print);
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

/* A call whose path has the id that is the command's argument. */
struct id_call {
    const char *method;
    const char *path;
    const char *rest; /* behind the id */
    const char *noun; /* whose id it is; "sealpost NOUN list" lists them */
    print_fn *print;
};

/* Say what is wrong; an id that the relay does not know, or that is none, is nobody's. */
static enum exit_code say_refusal(const struct id_call *order, const char *id,
                                  const struct http_reply *reply)
{
    const char *problem = http_reply_problem(reply);

    if (strcmp(problem, "not_found") != 0 && strcmp(problem, "malformed") != 0) {
        return http_reply_say(reply);
    }
    say_error("this relay has no %s with the id \"%.60s\"; copy it from \"sealpost %s list\", and"
              " where several relays run here, name the right one's --socket",
              order->noun, id, order->noun);
    return EXIT_CODE_REFUSED;
}

static enum exit_code ask_path(const struct arguments *arguments, const struct id_call *order,
                               const struct http_call *call)
{
    struct http_client *client = http_client_create(host, socket_path(arguments), NULL);
    struct http_reply reply = { .status = 0 };
    enum exit_code code = EXIT_CODE_NETWORK;

    if (http_client_call(client, call, &reply)) {
        if (http_reply_is_success(&reply)) {
            print_answer_steal(arguments, reply.json, order->print);
            reply.json = NULL;
            code = EXIT_CODE_OK;
        } else {
            code = say_refusal(order, arguments->words[0], &reply);
        }
        http_reply_clear(&reply);
    }
    http_client_destroy(client);
    return code;
}

/* end is what stands last in the path, "" for nothing. */
static enum exit_code ask_id(const struct arguments *arguments, const struct id_call *order,
                             const char *end)
{
    struct buf whole = { 0 };

    if (!is_segment(arguments->words[0])) {
        return EXIT_CODE_USAGE;
    }
    buf_append_format(&whole, "%s%s%s%s", order->path, arguments->words[0], order->rest, end);
    buf_append_u8(&whole, 0);
    const struct http_call call = { .method = order->method, .path = (const char *)whole.at };
    enum exit_code code = ask_path(arguments, order, &call);
    buf_clear(&whole);
    return code;
}

enum exit_code admin_invite_revoke(const struct arguments *arguments)
{
    static const struct id_call order = { "DELETE", "/admin/invites/", "", "invite",
                                          admin_print_done };

    return ask_id(arguments, &order, "");
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
    static const struct id_call order = { "GET", "/admin/accounts/", "", "account",
                                          admin_print_report };

    return ask_id(arguments, &order, "");
}

enum exit_code admin_account_erase(const struct arguments *arguments)
{
    static const struct id_call order = { "DELETE", "/admin/accounts/", "", "account",
                                          admin_print_done };

    if (!arguments_has(arguments, OPTION_YES)) {
        say_error("this erases the account with all its devices and mail for good; add --yes");
        return EXIT_CODE_USAGE;
    }
    return ask_id(arguments, &order, "");
}

enum exit_code admin_account_factors(const struct arguments *arguments)
{
    static const struct id_call list = { .method = "GET",
                                         .path = "/admin/accounts/",
                                         .rest = "/factors",
                                         .noun = "account",
                                         .print = admin_print_factors };
    static const struct id_call remove = { .method = "DELETE",
                                           .path = "/admin/accounts/",
                                           .rest = "/factors/",
                                           .noun = "account",
                                           .print = admin_print_done };
    const char *factor = arguments_text(arguments, OPTION_REMOVE, NULL);

    if (factor == NULL) {
        return ask_id(arguments, &list, "");
    }
    if (!answer_is_id(factor)) {
        say_error("\"%.60s\" is no factor's id; copy it from \"sealpost account factors %.60s\"",
                  factor, arguments->words[0]);
        return EXIT_CODE_USAGE;
    }
    return ask_id(arguments, &remove, factor);
}

enum exit_code admin_keys_stats(const struct arguments *arguments)
{
    static const struct id_call order = { "GET", "/admin/keys/", "", "account", admin_print_keys };

    return ask_id(arguments, &order, "");
}

enum exit_code admin_keyring_list(const struct arguments *arguments)
{
    const struct http_call call = { .method = "GET", .path = "/admin/keyring" };

    return ask(arguments, &call, admin_print_keyring);
}

enum exit_code admin_keyring_rotate(const struct arguments *arguments)
{
    const struct http_call call = { .method = "POST",
                                    .path = "/admin/keyring/rotate",
                                    .body = json_pack("{s:s}", "purpose", arguments->words[0]) };

    return ask(arguments, &call, admin_print_rotated);
}

enum exit_code admin_keyring_retire(const struct arguments *arguments)
{
    struct http_call call = { .method = "POST", .path = "/admin/keyring/retire" };
    int64_t id = 0;

    if (!decimal_parse(bytes_text(arguments->words[1]), UINT32_MAX, &id) || id == 0) {
        say_error("\"%.20s\" is no id of a key; see \"sealpost keyring list\"",
                  arguments->words[1]);
        return EXIT_CODE_USAGE;
    }
    if (!arguments_has(arguments, OPTION_YES)) {
        say_error("this deletes the file of a key for good; keep a copy of it as long as you keep"
                  " backups of the database that were made before, then add --yes");
        return EXIT_CODE_USAGE;
    }
    call.body = json_pack("{s:s, s:I}", "purpose", arguments->words[0], "id", (json_int_t)id);
    return ask(arguments, &call, admin_print_retired);
}

enum exit_code admin_queue(const struct arguments *arguments)
{
    static const struct id_call order = { "GET", "/admin/queues?account=", "", "account",
                                          admin_print_queues };
    const struct http_call all = { .method = "GET", .path = "/admin/queues" };

    if (arguments->word_count > 0) {
        return ask_id(arguments, &order, "");
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
