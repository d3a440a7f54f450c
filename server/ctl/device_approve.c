/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The old device's side of a link (server/api/manifest.md, Links).  What it signs is bound to the new device by
 * the hash in the QR code, or by six digits that its owner reads there and types here, once.
 *
 *   read -> claimed -> [commit; rE -> rN -> the digits are typed] -> candidate -> done -> verified
 *
 * Whatever differs ends the link.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/random.h"
#include "common/sas.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/link_client.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"

enum {
    CANDIDATES_MAX = 4, /* heads that may move under one link */
    LINE_BYTES = 128
};

struct approving {
    const struct arguments *arguments;
    struct device *device;
    struct link_client client;
    bool by_uri;
    struct link_uri uri;
    struct buf entry; /* as the relay showed it first: what is compared, and what is signed */
    struct link_entry_hash entry_hash;
    struct device_pub new_pub;
    int64_t device_id; /* that it is to have; 0: the lowest free one */
};

/* Read what was given: the text of the QR code, or a link's id. */
static bool read_link(struct approving *approving, const char *text)
{
    struct link_id *id = &approving->client.link_id;

    approving->by_uri = link_uri_parse(bytes_text(text), &approving->uri);
    if (approving->by_uri) {
        *id = approving->uri.link_id;
        return true;
    }
    if (base64url_decode_exact(bytes_text(text), id->raw, sizeof id->raw)) {
        return true;
    }
    say_error(
        "\"%.100s\" is no link: give the text of the new device's QR code, sealpost:link?..., "
        "or the 22 letters of its link",
        text);
    return false;
}

/* End the link, for what was seen is not what it should be. */
static enum exit_code refuse(struct approving *approving, const char *why)
{
    link_client_deny(&approving->client);
    say_error("nothing was signed, and the link was ended: %s", why);
    return EXIT_CODE_UNVERIFIED;
}

/* Is the entry well-formed, and the one of the QR code? */
static enum exit_code check_entry(struct approving *approving)
{
    struct manifest_device device;
    struct bytes entry;

    buf_append(&approving->entry, buf_view(&approving->client.view.entry));
    entry = buf_view(&approving->entry);
    if (!link_entry_parse(entry, &device)) {
        return refuse(approving, "the relay shows no entry of a device");
    }
    approving->new_pub = device.pub;
    link_entry_hash_of(entry, &approving->entry_hash);
    if (approving->by_uri && memcmp(approving->entry_hash.raw, approving->uri.entry_hash.raw,
                                    sizeof approving->entry_hash.raw) != 0) {
        return refuse(approving, "the device that the relay shows is not the one of the QR code. "
                                 "Somebody is between you and it");
    }
    return EXIT_CODE_OK;
}

/* The relay shows the link again and again: it must stay the same device's. */
static enum exit_code check_entry_stays(struct approving *approving)
{
    if (!bytes_equal(buf_view(&approving->client.view.entry), buf_view(&approving->entry))) {
        return refuse(approving, "the relay shows another device now than before. Somebody is "
                                 "between you and it");
    }
    return EXIT_CODE_OK;
}

/* By digits the new device commits to its number before anybody claims the link. */
static enum exit_code await_commit(struct approving *approving)
{
    struct link_client_view *view = &approving->client.view;
    enum exit_code code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && !view->has_commit &&
           link_client_is(&approving->client, "created")) {
        code = link_client_read(&approving->client, true);
    }
    if (code == EXIT_CODE_OK && !view->has_commit) {
        return refuse(approving, "the new device does not show digits; scan its QR code instead");
    }
    return code;
}

static bool read_digits(char out[LINE_BYTES])
{
    (void)fprintf(stderr, "The six digits that the new device shows: ");
    (void)fflush(stderr);
    if (fgets(out, LINE_BYTES, stdin) == NULL) {
        return false;
    }
    out[strcspn(out, "\r\n")] = '\0';
    return true;
}

/* One try: whatever is typed, the exchange is used up. */
static enum exit_code compare(struct approving *approving, const struct sas_transcript *transcript)
{
    struct sas_code wanted;
    char typed[LINE_BYTES] = "";

    sas_code_of(transcript, &wanted);
    if (!read_digits(typed)) {
        return refuse(approving, "no digits were typed");
    }
    if (!sas_code_matches(&wanted, bytes_text(typed))) {
        return refuse(approving, "the digits differ. If you typed what the new device shows, "
                                 "somebody is between you and it");
    }
    return EXIT_CODE_OK;
}

static enum exit_code run_digits(struct approving *approving, const struct sas_commit *commit)
{
    struct link_client_view *view = &approving->client.view;
    struct sas_transcript transcript = { .account = approving->device->state.account,
                                         .entry_hash = approving->entry_hash,
                                         .old_device = approving->device->state.pub };
    enum exit_code code = EXIT_CODE_OK;

    random_fill(transcript.old_random.raw, sizeof transcript.old_random.raw);
    code = link_client_say(&approving->client, transcript.old_random.raw,
                           sizeof transcript.old_random.raw);
    while (code == EXIT_CODE_OK && !view->has_new_random &&
           !link_client_is_over(&approving->client)) {
        code = link_client_read(&approving->client, true);
    }
    if (code == EXIT_CODE_OK && !view->has_new_random) {
        return link_client_say_over(&approving->client);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    transcript.new_random = view->new_random;
    if (!sas_commit_fits(commit, &transcript.new_random, &transcript.entry_hash)) {
        return refuse(approving, "the new device's number is not the one that it committed to. "
                                 "Somebody is between you and it");
    }
    return compare(approving, &transcript);
}

/* Draft the successor of head with the new device, sign it, and put it. */
static enum exit_code put_candidate(struct approving *approving, const struct chain *chain,
                                    bool *out_again)
{
    const struct device_state *state = &approving->device->state;
    const struct draft_entry entry = { .bytes = buf_view(&approving->entry),
                                       .device_id = (uint32_t)approving->device_id,
                                       .is_admin =
                                           arguments_has(approving->arguments, OPTION_ADMIN) };
    struct http_reply reply = { .status = 0 };
    struct buf draft = { 0 };
    struct buf candidate = { 0 };
    enum exit_code code = EXIT_CODE_USAGE;
    enum draft_result result = draft_add(chain->head, &entry, clock_now_ms() / 1000, &draft);

    if (result == DRAFT_OK) {
        result = draft_sign(buf_view(&draft), state->device_id, state->seed, &candidate);
    }
    if (result != DRAFT_OK) {
        say_error("%s", draft_result_text(result));
        link_client_deny(&approving->client);
    } else {
        json_t *fields = json_pack("{s:o}", "manifest", json_base64url(buf_view(&candidate)));
        code = link_client_try(&approving->client, "candidate", fields, &reply);
        *out_again = strcmp(http_reply_problem(&reply), "manifest_conflict") == 0;
        if (code == EXIT_CODE_OK && !http_reply_is_success(&reply) && !*out_again) {
            code = http_reply_say(&reply);
        }
        http_reply_clear(&reply);
    }
    buf_clear(&draft);
    buf_clear(&candidate);
    return code;
}

/* Put a candidate of the account's verified head, again when that has moved. */
static enum exit_code propose(struct approving *approving)
{
    enum exit_code code = EXIT_CODE_OK;
    bool again = true;

    for (int i = 0; code == EXIT_CODE_OK && again && i < CANDIDATES_MAX; i++) {
        struct chain chain;

        again = false;
        code = people_fetch(approving->device, &approving->device->state.account, &chain);
        if (code == EXIT_CODE_OK) {
            code = put_candidate(approving, &chain, &again);
            chain_clear(&chain);
        }
    }
    if (code == EXIT_CODE_OK && again) {
        say_error("your account's device list changes all the time; try again later");
        code = EXIT_CODE_REFUSED;
    }
    return code;
}

static void say_approved(const struct approving *approving, const struct manifest *head)
{
    const struct manifest_device *added = manifest_find_pub(head, &approving->new_pub);
    const struct link_client_view *view = &approving->client.view;

    if (arguments_has(approving->arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:i, s:I, s:s}", "device_id", (int)added->device_id, "epoch",
                                 (json_int_t)head->epoch, "name", view->name));
    } else {
        (void)printf("device %" PRIu32 " (%s) is in your account, epoch %" PRIu64 "\n",
                     added->device_id, view->name[0] == '\0' ? "no name" : view->name, head->epoch);
    }
}

/* Wait for the new device's signature; believe the account's chain alone. */
static enum exit_code await_done(struct approving *approving)
{
    struct link_client *client = &approving->client;
    struct chain chain;
    enum exit_code code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && !link_client_is_over(client)) {
        code = link_client_read(client, true);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!link_client_is(client, "done")) {
        return link_client_say_over(client);
    }
    code = people_fetch(approving->device, &approving->device->state.account, &chain);
    if (code == EXIT_CODE_OK) {
        if (manifest_find_pub(chain.head, &approving->new_pub) != NULL) {
            say_approved(approving, chain.head);
        } else {
            say_error("the relay says that the device was added, and does not show it");
            code = EXIT_CODE_UNVERIFIED;
        }
        chain_clear(&chain);
    }
    return code;
}

static enum exit_code run(struct approving *approving)
{
    struct link_client *client = &approving->client;
    struct sas_commit commit = { { 0 } };
    enum exit_code code = link_client_read(client, false);

    if (code == EXIT_CODE_OK && !link_client_is(client, "created")) {
        say_error("the link is not open any more: it is %s", client->view.state);
        return EXIT_CODE_REFUSED;
    }
    if (code == EXIT_CODE_OK) {
        code = check_entry(approving);
    }
    if (code == EXIT_CODE_OK && !approving->by_uri) {
        code = await_commit(approving);
        commit = client->view.commit;
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    (void)fprintf(stderr, "A device that calls itself \"%s\" asks to be added to your account\n",
                  client->view.name);
    code = link_client_step(client, "claim", json_object());
    if (code == EXIT_CODE_OK && !approving->by_uri) {
        code = run_digits(approving, &commit);
    }
    if (code == EXIT_CODE_OK) {
        code = check_entry_stays(approving);
    }
    if (code == EXIT_CODE_OK) {
        code = propose(approving);
    }
    return code == EXIT_CODE_OK ? await_done(approving) : code;
}

enum exit_code device_approve_run(const struct arguments *arguments)
{
    struct device device;
    struct approving approving = { .arguments = arguments, .device = &device };

    if (!read_link(&approving, arguments->words[0]) ||
        !arguments_number(arguments, OPTION_ID, 1, LIMIT_DEVICE_ID, &approving.device_id)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        approving.client.device = &device;
        code = run(&approving);
        buf_clear(&approving.entry);
        link_client_clear(&approving.client);
        device_close(&device);
    }
    return code;
}

enum exit_code device_approve_deny(const struct arguments *arguments)
{
    struct device device;
    struct approving approving = { .arguments = arguments, .device = &device };

    if (!read_link(&approving, arguments->words[0])) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        approving.client.device = &device;
        code = link_client_end(&approving.client);
        device_close(&device);
    }
    return code;
}

enum exit_code device_approve_list(const struct arguments *arguments)
{
    const struct http_call call = { .method = "GET", .path = "/v1/links" };
    struct device device;
    json_t *answer = NULL;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = device_ask(&device, &call, &answer);
    if (code == EXIT_CODE_OK && arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_incref(answer));
    } else if (code == EXIT_CODE_OK) {
        const json_t *links = json_object_get(answer, "links");
        for (size_t i = 0; i < json_array_size(links); i++) {
            link_client_print(json_array_get(links, i));
        }
    }
    json_decref(answer);
    device_close(&device);
    return code;
}
