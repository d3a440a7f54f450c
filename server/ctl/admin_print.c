/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/admin_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/ctl/pools.h"
#include "server/ctl/say.h"

enum {
    LEAD_BYTES = 40,
    INDENT = 2
};

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text == NULL ? "" : text;
}

static int64_t number_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

/* Write Unix seconds as a date. */
static const char *day_text(int64_t seconds, char out[SAY_TIME_BYTES])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    out[0] = '\0';
    if (gmtime_r(&when, &parts) != NULL) {
        (void)strftime(out, SAY_TIME_BYTES, "%Y-%m-%d", &parts);
    }
    return out;
}

void admin_print_invite(json_t *answer)
{
    char when[SAY_TIME_BYTES];

    (void)printf("%s\n", text_of(answer, "url"));
    (void)fprintf(stderr, "for %" PRId64 " %s, until %s. It is shown only now.\n",
                  number_of(answer, "uses"), say_noun(number_of(answer, "uses"), "use", "uses"),
                  say_minute(number_of(answer, "expires_at"), when));
}

void admin_print_invites(json_t *answer)
{
    const json_t *rows = json_object_get(answer, "invites");
    char when[SAY_TIME_BYTES];

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        (void)printf("%s  %" PRId64 " of %" PRId64 " uses left, until %s  %s\n", text_of(row, "id"),
                     number_of(row, "uses_left"), number_of(row, "uses"),
                     say_minute(number_of(row, "expires_at"), when), text_of(row, "note"));
    }
    if (json_array_size(rows) == 0) {
        (void)puts("no invites; make one with \"sealpost invite create\"");
    }
}

void admin_print_accounts(json_t *answer)
{
    const json_t *rows = json_object_get(answer, "accounts");
    char created[SAY_TIME_BYTES];
    char seen[SAY_TIME_BYTES];

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        (void)printf("%s  epoch %" PRId64 ", %" PRId64 " %s, since %s, seen %s\n",
                     text_of(row, "account_id"), number_of(row, "epoch"), number_of(row, "devices"),
                     say_noun(number_of(row, "devices"), "device", "devices"),
                     day_text(number_of(row, "created_day"), created),
                     day_text(number_of(row, "seen_day"), seen));
    }
    if (json_is_true(json_object_get(answer, "more"))) {
        const json_t *last = json_array_get(rows, json_array_size(rows) - 1);
        (void)fprintf(stderr, "there are more: --after %" PRId64 "\n", number_of(last, "after"));
    }
}

void admin_print_queues(json_t *answer)
{
    const json_t *rows = json_object_get(answer, "queues");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        (void)printf("%s device %3" PRId64 "  %6" PRId64 " envelopes, %9" PRId64 " bytes%s\n",
                     text_of(row, "account_id"), number_of(row, "device_id"),
                     number_of(row, "envelopes"), number_of(row, "bytes"),
                     json_is_true(json_object_get(row, "stream")) ? ", connected" : "");
    }
    if (json_array_size(rows) == 0) {
        (void)puts("no mail is waiting");
    }
}

void admin_print_factors(json_t *answer)
{
    const json_t *rows = json_object_get(answer, "factors");
    char since[SAY_TIME_BYTES];

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        (void)printf("%s  %s", text_of(row, "factor_id"), text_of(row, "kind"));
        if (json_object_get(row, "codes_left") != NULL) {
            (void)printf(", %" PRId64 " %s left", number_of(row, "codes_left"),
                         say_noun(number_of(row, "codes_left"), "code is", "codes are"));
        }
        (void)printf("%s, since %s\n",
                     json_is_true(json_object_get(row, "confirmed")) ? "" : ", not confirmed yet",
                     say_minute(number_of(row, "created_at"), since));
    }
    if (json_array_size(rows) == 0) {
        (void)puts("no second factor is enrolled");
    }
}

void admin_print_keys(json_t *answer)
{
    const json_t *devices = json_object_get(answer, "devices");
    char lead[LEAD_BYTES];

    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *device = json_array_get(devices, i);
        json_t *slots = json_object_get(device, "slots");

        (void)snprintf(lead, sizeof lead, "device %3" PRId64 "  ", number_of(device, "device_id"));
        pools_print(lead, slots);
        if (json_object_size(slots) == 0) {
            (void)printf("%shas no keys\n", lead);
        }
    }
}

void admin_print_keyring(json_t *answer)
{
    const json_t *keys = json_object_get(answer, "keys");
    int64_t unreadable = number_of(answer, "unreadable");

    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        (void)printf("%-10s %3" PRId64 "  %-8s", text_of(key, "purpose"), number_of(key, "id"),
                     text_of(key, "state"));
        if (json_object_get(key, "rows") != NULL) {
            (void)printf(" %" PRId64 " %s sealed under it", number_of(key, "rows"),
                         say_noun(number_of(key, "rows"), "value", "values"));
        }
        if (number_of(key, "lacking") > 0 && strcmp(text_of(key, "state"), "retired") != 0) {
            (void)printf(" lacking at %" PRId64 " %s", number_of(key, "lacking"),
                         say_noun(number_of(key, "lacking"), "daemon", "daemons"));
        }
        (void)puts("");
    }
    if (json_is_true(json_object_get(answer, "resealing"))) {
        (void)puts("values are being sealed anew");
    }
    if (unreadable > 0) {
        (void)printf("%" PRId64 " %s not be opened: see the relay's log\n", unreadable,
                     say_noun(unreadable, "value could", "values could"));
    }
}

void admin_print_rotated(json_t *answer)
{
    int64_t lacking = number_of(answer, "lacking");

    if (json_is_true(json_object_get(answer, "in_force"))) {
        (void)printf("the key with id %" PRId64
                     " is used from now on; copy its file to your copy of"
                     " the keys\n",
                     number_of(answer, "id"));
        return;
    }
    (void)printf("the key with id %" PRId64 " is made; copy its file to the %" PRId64 " %s on this"
                 " database that %s it, with mode 0400, and reload %s: then it will be used\n",
                 number_of(answer, "id"), lacking, say_noun(lacking, "daemon", "daemons"),
                 say_noun(lacking, "lacks", "lack"), say_noun(lacking, "it", "them"));
}

void admin_print_retired(json_t *answer)
{
    if (json_is_true(json_object_get(answer, "file_deleted"))) {
        (void)puts("done; delete the file at other daemons on this database, too");
    } else {
        (void)printf("the key is retired, but its file stays: %s\n",
                     text_of(answer, "explanation"));
    }
}

/* jansson walks an object only as one that may change. */
static void print_members(json_t *object, const char *before)
{
    void *at = json_object_iter(object);

    while (at != NULL) {
        json_t *value = json_object_iter_value(at);
        if (json_is_integer(value)) {
            (void)printf("%s%-24s %" JSON_INTEGER_FORMAT "\n", before, json_object_iter_key(at),
                         json_integer_value(value));
        } else if (json_is_string(value)) {
            (void)printf("%s%-24s %s\n", before, json_object_iter_key(at),
                         json_string_value(value));
        } else if (json_is_object(value)) {
            print_members(value, "  ");
        }
        at = json_object_iter_next(object, at);
    }
}

void admin_print_stats(json_t *answer)
{
    print_members(answer, "");
}

void admin_print_report(json_t *answer)
{
    (void)json_dumpf(answer, stdout, JSON_INDENT(INDENT));
    (void)puts("");
}

void admin_print_done(json_t *answer)
{
    (void)answer;
    (void)puts("done");
}
