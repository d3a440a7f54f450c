/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/tls_self_signed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/crypto_certificate.h"
#include "common/mem.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/folder.h"
#include "server/ctl/say.h"

enum {
    DAYS_DEFAULT = 30,
    DAYS_MAX = 3650,
    DAY_S = 86400,
    CLOCKS_APART_S = 3600, /* a client whose clock is behind takes it too */
};

static const char cert_name[] = "cert.pem";
static const char key_name[] = "key.pem";

static enum exit_code write_pair(const char *folder, const struct buf *cert, const struct buf *key)
{
    if (!folder_make(folder)) {
        return EXIT_CODE_LOCAL;
    }
    if (folder_has(folder, cert_name) || folder_has(folder, key_name)) {
        say_error("%s holds a %s or %s already; take it away, or name another folder with --dir",
                  folder, cert_name, key_name);
        return EXIT_CODE_LOCAL;
    }
    return folder_write(folder, key_name, buf_view(key)) &&
                   folder_write(folder, cert_name, buf_view(cert))
               ? EXIT_CODE_OK
               : EXIT_CODE_LOCAL;
}

static void tell(const char *folder, const char *host, int64_t days)
{
    char *path = realpath(folder, NULL);
    const char *at = path == NULL ? folder : path;

    (void)printf("A certificate for %s and for this machine, good for %" PRId64 " days. Nobody\n"
                 "vouches for it: it is for trying out. In the relay's configuration:\n"
                 "\n"
                 "tls_listen = \"0.0.0.0:8443\"\n"
                 "tls_cert = \"%s/%s\"\n"
                 "tls_key = \"%s/%s\"\n"
                 "\n"
                 "Both files must belong to the user that sealpostd runs as. Devices are told to\n"
                 "trust it: sealpost device register --ca %s/%s ...\n",
                 host, days, at, cert_name, at, key_name, at, cert_name);
    free(path);
}

enum exit_code tls_self_signed_run(const struct arguments *arguments)
{
    const char *folder = arguments_text(arguments, OPTION_DIR, ".");
    int64_t now_s = clock_now_ms() / 1000;
    int64_t days = DAYS_DEFAULT;
    struct crypto_certificate wish = { .host = arguments_text(arguments, OPTION_NAME, "localhost"),
                                       .begins_s = now_s - CLOCKS_APART_S };
    struct buf cert = { 0 };
    struct buf key = { 0 };
    enum exit_code code = EXIT_CODE_USAGE;

    if (!arguments_number(arguments, OPTION_DAYS, 1, DAYS_MAX, &days)) {
        return EXIT_CODE_USAGE;
    }
    wish.expires_s = now_s + days * DAY_S;
    buf_reserve(&key, 4096); /* so that no copy of it is left by growing */
    if (!crypto_certificate_make(&wish, &cert, &key)) {
        say_error("--name wants the name of a host or an address, not \"%.80s\"", wish.host);
    } else {
        code = write_pair(folder, &cert, &key);
    }
    if (code == EXIT_CODE_OK) {
        tell(folder, wish.host, days);
    }
    mem_wipe(key.at, key.size);
    buf_clear(&key);
    buf_clear(&cert);
    return code;
}
