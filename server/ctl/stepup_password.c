/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By the password: it is proved (OPAQUE), and never sent.  The relay counts each challenge, for
 * whoever has one knows whether his guess was right; so does this device, without asking.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/opaque.h"
#include "common/opaque_client.h"
#include "server/ctl/answer.h"
#include "server/ctl/ask.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/factor_password.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup_private.h"

enum {
    PASSWORDS_MAX = 3 /* that are asked for; a transaction has five challenges */
};

/* Prove the password in a challenge of its own; true when that is the end. */
static bool prove(const struct stepup *stepup, const struct opaque_client *client,
                  const struct stepup_challenge *challenge, json_t **out_grant,
                  enum exit_code *out_code)
{
    const char *text = json_string_value(json_object_get(challenge->answer, "ke2"));
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t ke3[OPAQUE_KE3_BYTES];
    struct opaque_client_keys keys;

    if (text == NULL || !base64url_decode_exact(bytes_text(text), ke2, sizeof ke2)) {
        *out_code = answer_say_odd("KE2");
        return true;
    }
    if (!opaque_client_finish(client, factor_password_stretch, ke2, ke3, &keys)) {
        say_error("that is not the password, or it was set by a program that stretches passwords "
                  "in another way");
        *out_code = EXIT_CODE_REFUSED;
        return false;
    }
    char *proof = base64url_text(bytes_of(ke3, sizeof ke3));
    (void)stepup_answer(stepup, challenge->id, proof, out_grant, out_code);
    mem_wipe(proof, strlen(proof));
    free(proof);
    mem_wipe(&keys, sizeof keys);
    mem_wipe(ke3, sizeof ke3);
    return true;
}

static bool ask_once(const struct stepup *stepup, json_t **out_grant, enum exit_code *out_code)
{
    char password[ASK_MAX];
    uint8_t ke1[OPAQUE_KE1_BYTES];
    struct opaque_client client;
    struct stepup_challenge challenge;
    bool is_over = true;

    if (!ask_secret(stepup->question, password)) {
        *out_code = EXIT_CODE_USAGE;
        return true;
    }
    if (!opaque_client_begin(&client, bytes_text(password), ke1)) {
        say_error("a password has 1 to %d bytes", ASK_MAX - 1);
        *out_code = EXIT_CODE_USAGE;
        is_over = false;
    } else {
        *out_code = stepup_challenge(stepup,
                                     json_pack("{s:s, s:o}", "kind", stepup->kind, "ke1",
                                               json_base64url(bytes_of(ke1, sizeof ke1))),
                                     &challenge);
        if (*out_code == EXIT_CODE_OK) {
            is_over = prove(stepup, &client, &challenge, out_grant, out_code);
            json_decref(challenge.answer);
        }
    }
    mem_wipe(password, sizeof password);
    opaque_client_clear(&client);
    return is_over;
}

enum exit_code stepup_by_password(const struct stepup *stepup, json_t **out_grant)
{
    enum exit_code code = EXIT_CODE_REFUSED;
    bool is_over = false;

    for (int i = 0; i < PASSWORDS_MAX && !is_over; i++) {
        is_over = ask_once(stepup, out_grant, &code);
    }
    return code;
}
