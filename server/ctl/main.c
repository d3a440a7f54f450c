/* SPDX-License-Identifier: Apache-2.0 */
/* The sealpost program: the operator's commands and the reference device. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/process.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/help.h"
#include "server/ctl/say.h"

static enum exit_code show_help(const struct command *command)
{
    struct buf text = { 0 };

    if (command == NULL) {
        help_overview(&text);
    } else {
        help_command(command, &text);
    }
    (void)fwrite(text.at, 1, text.size, stdout);
    buf_clear(&text);
    return EXIT_CODE_OK;
}

static enum exit_code run(const struct arguments *arguments)
{
    json_set_alloc_funcs(mem_raw, mem_free_wiped); /* grants, codes and tokens go through both */
    if (!crypto_start()) {
        say_error("this libsodium is missing or faulty; install libsodium 1.0.18 or later");
        return EXIT_CODE_LOCAL;
    }
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_raw, mem_free_wiped, mem_resized_wiped,
                             mem_text, mem_zeroed) != CURLE_OK) {
        say_error("libcurl does not start");
        return EXIT_CODE_LOCAL;
    }
    enum exit_code code = arguments->command->run(arguments);
    curl_global_cleanup();
    return code;
}

int main(int argc, char **argv)
{
    struct arguments arguments;

    process_keep_secrets();
    switch (arguments_parse(argc, argv, &arguments)) {
    case ARGUMENTS_OK:
        return (int)run(&arguments);
    case ARGUMENTS_HELP:
        return (int)show_help(arguments.command);
    case ARGUMENTS_VERSION:
        (void)puts("sealpost " SEALPOST_VERSION);
        return EXIT_CODE_OK;
    case ARGUMENTS_WRONG:
        break;
    }
    say_error("%s", arguments.error);
    return EXIT_CODE_USAGE;
}
