/* SPDX-License-Identifier: Apache-2.0 */
/* Anybody can seal to a public key, the relay too: what is opened is judged before it is shown. */
#include "server/ctl/factor_name.h"

#include <stdint.h>
#include <string.h>

#include "common/base64url.h"
#include "common/crypto.h"
#include "common/json.h"
#include "server/ctl/device_state.h"
#include "server/ctl/otpauth.h"

enum {
    SEALED = FACTOR_NAME_PLAIN + CRYPTO_SEAL_BYTES
};

bool factor_name_is_valid(struct bytes text)
{
    return otpauth_is_name(text, FACTOR_NAME_MAX);
}

json_t *factor_name_seal(const struct device_state *state, struct bytes name)
{
    uint8_t plain[FACTOR_NAME_PLAIN] = { 0 };
    uint8_t sealed[SEALED];

    memcpy(plain, name.at, name.size);
    bool is_sealed = crypto_seal_box(state->box_public, bytes_of(plain, sizeof plain), sealed);
    return is_sealed ? json_base64url(bytes_of(sealed, sizeof sealed)) : NULL;
}

bool factor_name_open(const struct device_state *state, const json_t *label,
                      char out[FACTOR_NAME_MAX + 1])
{
    const char *text = json_string_value(label);
    uint8_t sealed[SEALED];
    uint8_t plain[FACTOR_NAME_PLAIN];

    if (text == NULL || !base64url_decode_exact(bytes_text(text), sealed, sizeof sealed) ||
        !crypto_open_box(state->box_public, state->box_secret, bytes_of(sealed, sizeof sealed),
                         plain)) {
        return false;
    }
    size_t size = strnlen((const char *)plain, sizeof plain);
    if (!factor_name_is_valid(bytes_of(plain, size))) {
        return false;
    }
    memcpy(out, plain, size);
    out[size] = '\0';
    return true;
}
