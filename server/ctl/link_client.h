/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link as the program follows it, from either side: read it, wait for it, take a
 * step.  What fails is said.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/ids.h"
#include "common/sas.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"

enum {
    LINK_CLIENT_STATE_BYTES = 16,
    LINK_CLIENT_NAME_BYTES = 65
};

/* What the relay says of a link, with everything in the right form. */
struct link_client_view {
    int64_t version;
    char state[LINK_CLIENT_STATE_BYTES];
    char name[LINK_CLIENT_NAME_BYTES]; /* "": none; fit to be printed */
    struct buf entry;
    bool is_claimed; /* what follows says something */
    uint32_t device_id;
    struct device_pub device_pub;
    struct account_id account;
    struct buf candidate;
    bool has_commit, has_old_random, has_new_random; /* the messages of six digits */
    struct sas_commit commit;
    struct sas_random old_random, new_random;
};

struct link_client {
    struct device *device;
    const char *token; /* of the new device; NULL: the other side, by its session */
    struct link_id link_id;
    struct link_client_view view;
};

void link_client_clear(struct link_client *client);

/* Read the link into view; with wait, when it is at another version than view's, or over. */
enum exit_code link_client_read(struct link_client *client, bool wait);

/* Say whether the state is this one; whether it is over. */
bool link_client_is(const struct link_client *client, const char *state);
bool link_client_is_over(const struct link_client *client);

/* Say why a link that is over is not done; returns the exit code. */
enum exit_code link_client_say_over(const struct link_client *client);

/*
 * Take a step at the view's version: POST .../step with fields, an object that is stolen, and
 * note where the link is then.  Fills *out_reply, which may be a refusal.
 */
enum exit_code link_client_try(struct link_client *client, const char *step, json_t *fields,
                               struct http_reply *out_reply);

/* The same, and want success. */
enum exit_code link_client_step(struct link_client *client, const char *step, json_t *fields);

/* Tell the other side bytes. */
enum exit_code link_client_say(struct link_client *client, const void *at, size_t size);

/* End the link, and want success; or leave it to its time when that fails. */
enum exit_code link_client_end(struct link_client *client);
void link_client_deny(struct link_client *client);

/* Print a link of a list as one line. */
void link_client_print(const json_t *link);

/* The text of the link's id.  The caller frees it. */
char *link_client_id_text(const struct link_client *client);
