/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is read as a configuration file, and its lines as texts of --set.
 * What is accepted must print as a file that reads as the same configuration.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/config/conf_file.h"
#include "server/config/config.h"
#include "server/config/fault.h"
#include "server/config/settings.h"

enum {
    SETS_MAX = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_difference(void *arg, const struct config_change *change)
{
    (void)arg;
    (void)change;
    CHECK_UNREACHABLE();
}

static void expect_same(const struct config *config, const char *const *sets, size_t count)
{
    struct config again = { 0 };
    struct config_source source = { .sets = sets, .set_count = count };
    char error[CONFIG_ERROR_BYTES];

    CHECK(config_read(&source, &again, error, sizeof error));
    config_compare(config, &again, on_difference, NULL);
    config_clear(&again);
}

/* Print config, read the print as a file, and give its texts as --set again. */
static void expect_round_trip(const struct config *config, const struct config_source *source)
{
    struct buf printed = { 0 };
    struct settings settings = { 0 };
    struct fault fault;
    char error[CONFIG_ERROR_BYTES];
    char *sets[OPTIONS_TOTAL];

    fault_init(&fault, error, sizeof error);
    config_print(config, source, &printed);
    CHECK(conf_file_parse("printed", (const char *)printed.at, printed.size, &settings, &fault));
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        struct buf set = { 0 };
        buf_append_format(&set, "%s=%s", options_table[i].name, settings.of[i].text);
        sets[i] = mem_text_of(set.at, set.size);
        buf_clear(&set);
    }
    expect_same(config, (const char *const *)sets, OPTIONS_TOTAL);
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        free(sets[i]);
    }
    settings_clear(&settings);
    buf_clear(&printed);
}

static void read_as_file(const uint8_t *data, size_t size)
{
    struct settings settings = { 0 };
    struct fault fault;
    char error[CONFIG_ERROR_BYTES];
    bool good = false;

    fault_init(&fault, error, sizeof error);
    good = conf_file_parse("fuzz", (const char *)data, size, &settings, &fault);
    CHECK(good == (error[0] == '\0'));
    settings_clear(&settings);
}

static void read_as_sets(const uint8_t *data, size_t size)
{
    const char *sets[SETS_MAX];
    char error[CONFIG_ERROR_BYTES];
    struct config config = { 0 };
    struct config_source source = { .sets = sets };
    char *text = mem_text_of(data, size);
    char *rest = text;

    while (rest != NULL && source.set_count < SETS_MAX) {
        sets[source.set_count++] = strsep(&rest, "\n");
    }
    if (config_read(&source, &config, error, sizeof error)) {
        expect_round_trip(&config, &source);
    } else {
        CHECK(error[0] != '\0');
    }
    config_clear(&config);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= CONF_FILE_MAX_BYTES) {
        read_as_file(data, size);
        read_as_sets(data, size);
    }
    return 0;
}
