/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/webauthn.h"
#include "server/app_private.h"
#include "server/config/config.h"

void app_party_open(struct app *app)
{
    struct app_party *party = &app->party;
    size_t most = 1;
    size_t count = 0;
    char *rest = NULL;

    for (const char *at = app->config.webauthn_origins; *at != '\0'; at++) {
        most += *at == ',' ? 1 : 0;
    }
    party->list = mem_text(app->config.webauthn_origins);
    party->origins = mem_zeroed(most, sizeof *party->origins);
    for (char *part = strtok_r(party->list, ", ", &rest); part != NULL;
         part = strtok_r(NULL, ", ", &rest)) {
        party->origins[count++] = part;
    }
    party->party = (struct webauthn_party){
        .rp_id = app->config.webauthn_rp_id,
        .origins = party->origins,
        .origin_count = count,
        .wants_verified = app->config.webauthn_user_verification == VERIFICATION_REQUIRED,
    };
}

void app_party_close(struct app *app)
{
    free(app->party.origins);
    free(app->party.list);
}
