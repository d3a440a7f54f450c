/* SPDX-License-Identifier: Apache-2.0 */
/* sealpostd: arguments and the process's own house-keeping. */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/nearest.h"
#include "common/process.h"
#include "server/app.h"
#include "server/app_memory.h"
#include "server/config/config.h"
#include "server/config/options.h"
#include "server/usage.h"

enum {
    SETS_MAX = 64
};

struct arguments {
    const char *config;
    const char *sets[SETS_MAX];
    size_t set_count;
    bool check, print, print_default, version, help;
    struct app_wishes wishes;
};

static const struct option known_options[] = {
#define OPTION(name, letter, value, help) \
    { name, sizeof(value) > 1 ? required_argument : no_argument, NULL, letter },
#include "server/manual/daemon_options.def"
#undef OPTION
    { NULL, 0, NULL, 0 },
};

/* Name what may be meant by a word that is no option of the command, in the words to write. */
static void tell_unknown(const char *word, const struct option *options)
{
    char *name = mem_text_of(word, strcspn(word, "=")); /* what is behind may be a password */
    struct nearest nearest = { .best = NULL };

    for (size_t i = 0; options[i].name != NULL; i++) {
        nearest_try(&nearest, name, options[i].name);
    }
    if (nearest.best == NULL && options_nearest(name) != NULL) {
        (void)fprintf(stderr, "sealpostd: there is no option --%s; did you mean --set %s=VALUE?\n",
                      name, options_nearest(name));
    } else if (nearest.best != NULL || nearest.start != NULL) {
        (void)fprintf(stderr, "sealpostd: there is no option --%s; did you mean --%s?\n", name,
                      nearest.best != NULL ? nearest.best : nearest.start);
    } else {
        (void)fprintf(stderr, "sealpostd: there is no option --%.60s\n", name);
    }
    free(name);
}

/* Say what getopt_long (RESULT) did not like of word, which it has just read. */
static void tell_wrong(int result, const char *word, const struct option *options)
{
    int name = (int)strcspn(word, "=");

    if (result == ':') {
        (void)fprintf(stderr, "sealpostd: %.*s wants a value behind it\n", name, word);
    } else if (strncmp(word, "--", 2) != 0) {
        (void)fprintf(stderr, "sealpostd: there is no option -%c\n", optopt);
    } else if (optopt != 0) {
        (void)fprintf(stderr, "sealpostd: %.*s takes no value\n", name, word);
    } else {
        tell_unknown(word + 2, options);
    }
}

static bool parse_arguments(int argc, char **argv, struct arguments *out)
{
    int option = 0;

    opterr = 0; /* we say it ourselves */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
    while ((option = getopt_long(argc, argv, ":c:h", known_options, NULL)) != -1) {
        out->config = option == 'c' ? optarg : out->config;
        out->check = out->check || option == 'k';
        out->print = out->print || option == 'p';
        out->print_default = out->print_default || option == 'd';
        out->version = out->version || option == 'v';
        out->help = out->help || option == 'h';
        out->wishes.accept_lost_keys = out->wishes.accept_lost_keys || option == 'l';
        if (option == '?' || option == ':') {
            tell_wrong(option, argv[optind - 1], known_options);
            return false;
        }
        if (option == 's' && out->set_count == SETS_MAX) {
            (void)fprintf(stderr, "sealpostd: more than %d times --set; write a file\n", SETS_MAX);
            return false;
        }
        if (option == 's') {
            out->sets[out->set_count] = optarg;
            out->set_count++;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "sealpostd: unknown argument %.*s; options begin with --\n",
                      (int)strcspn(argv[optind], "="), argv[optind]);
        return false;
    }
    return true;
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void print_buf(struct buf *text)
{
    (void)fwrite(text->at, 1, text->size, stdout);
    buf_clear(text);
}

static int run(struct config *config, const struct config_source *source,
               const struct app_wishes *wishes)
{
    char error[CONFIG_ERROR_BYTES * 2];
    struct app *app = NULL;
    int status = 0;

    mem_bound_arenas();
    raise_descriptors();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(S_IRWXG | S_IRWXO);
    app = app_create(config, source, wishes, &status, error, sizeof error);
    if (app == NULL) {
        (void)fprintf(stderr, "sealpostd: %s\n", error);
        return status;
    }
    status = app_run(app);
    app_destroy(app);
    return status;
}

/* A certificate that has expired is told, and does not keep the daemon from starting. */
static int check_files(const struct config *config, const struct config_source *source)
{
    char error[CONFIG_ERROR_BYTES * 2] = "";
    bool good = app_check_files(config, source, error, sizeof error);

    if (error[0] != '\0') {
        (void)fprintf(stderr, "sealpostd: %s\n", error);
    }
    return good ? APP_EXIT_OK : APP_EXIT_CONFIG;
}

static void print_memory(const struct config *config)
{
    const struct app_memory memory = app_memory_of(config);
    struct buf text = { 0 };

    app_memory_append(&text, &memory);
    buf_append_text(&text, "\n");
    print_buf(&text);
}

static int configure_and_run(const struct arguments *arguments)
{
    const char *path = arguments->config;
    struct config config;
    struct buf text = { 0 };
    char error[CONFIG_ERROR_BYTES];
    int status = APP_EXIT_OK;

    if (path == NULL && access(SEALPOST_CONFIG, F_OK) == 0) {
        path = SEALPOST_CONFIG;
    }
    struct config_source source = {
        .path = path,
        .sets = arguments->sets,
        .set_count = arguments->set_count,
        .environment = environ,
    };
    memset(&config, 0, sizeof config);
    if (!config_read(&source, &config, error, sizeof error)) {
        (void)fprintf(stderr, "sealpostd: %s\n", error);
        return APP_EXIT_CONFIG;
    }
    if (arguments->print) {
        config_print(&config, &source, &text);
        print_buf(&text);
    } else if (arguments->check) {
        status = check_files(&config, &source);
        if (status == APP_EXIT_OK) {
            print_memory(&config);
        }
    } else {
        status = run(&config, &source, &arguments->wishes);
    }
    config_clear(&config);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { 0 };
    struct buf text = { 0 };

    process_keep_secrets();
    if (!parse_arguments(argc, argv, &arguments)) {
        (void)fputs("Try: sealpostd --help\n", stderr);
        return APP_EXIT_USAGE;
    }
    if (arguments.help) {
        usage_append(&text);
        print_buf(&text);
        return APP_EXIT_OK;
    }
    if (arguments.version) {
        (void)puts("sealpostd " SEALPOST_VERSION);
        return APP_EXIT_OK;
    }
    if (arguments.print_default) {
        config_print_default(&text);
        print_buf(&text);
        return APP_EXIT_OK;
    }
    return configure_and_run(&arguments);
}
