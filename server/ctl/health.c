/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/health.h"

#include <stdio.h>

#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum {
    STATUS_OK = 200
};

static const char url_default[] = "http://127.0.0.1:9090";

enum exit_code health_run(const struct arguments *arguments)
{
    const char *url = arguments->word_count > 0 ? arguments->words[0] : url_default;
    const struct http_call call = { .method = "GET", .path = "/readyz" };
    struct http_client *client =
        http_client_create(url, NULL, arguments_text(arguments, OPTION_CA, NULL));
    struct http_reply reply = { .status = 0 };
    enum exit_code code = EXIT_CODE_NETWORK;

    if (http_client_call(client, &call, &reply)) {
        code = reply.status == STATUS_OK ? EXIT_CODE_OK : EXIT_CODE_REFUSED;
        if (code == EXIT_CODE_OK) {
            (void)puts("ready");
        } else {
            say_error("%s is up but not ready (status %d); its log says why", url, reply.status);
        }
        http_reply_clear(&reply);
    }
    http_client_destroy(client);
    return code;
}
