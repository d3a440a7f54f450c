/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/health.h"

#include <stdio.h>

#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum {
    STATUS_OK = 200,
    STATUS_NOT_FOUND = 404,
};

static const char url_default[] = "http://127.0.0.1:9090";

static enum exit_code judge(const char *url, int status)
{
    switch (status) {
    case STATUS_OK:
        (void)puts("ready");
        return EXIT_CODE_OK;
    case STATUS_NOT_FOUND:
        say_error("%s is no operations listener; give the address of ops_listen", url);
        return EXIT_CODE_USAGE;
    default:
        say_error("%s is up but not ready (status %d); its log says why", url, status);
        return EXIT_CODE_REFUSED;
    }
}

enum exit_code health_run(const struct arguments *arguments)
{
    const char *url = arguments->word_count > 0 ? arguments->words[0] : url_default;
    const struct http_call call = { .method = "GET", .path = "/readyz" };
    struct http_client *client =
        http_client_create(url, NULL, arguments_text(arguments, OPTION_CA, NULL));
    struct http_reply reply = { .status = 0 };
    enum exit_code code = EXIT_CODE_NETWORK;

    if (http_client_call(client, &call, &reply)) {
        code = judge(url, reply.status);
        http_reply_clear(&reply);
    }
    http_client_destroy(client);
    return code;
}
