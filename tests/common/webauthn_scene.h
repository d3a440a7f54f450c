/* SPDX-License-Identifier: Apache-2.0 */
/* A vector of tests/vectors/webauthn.json, and the registration or the assertion in it. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/webauthn.h"

enum {
    FLAGS_AT = 32,
    COUNTER_AT = 33,
    REST_AT = 37,
    ID_AT = 55,
    FLAG_UP = 0x01,
    FLAG_UV = 0x04,
    FLAG_BE = 0x08,
    FLAG_BS = 0x10,
    FLAG_AT = 0x40,
    FLAG_ED = 0x80,
    FIRST = 0, /* places of vectors */
    PASSKEY = 1,
    EXTENDED = 2,
    EDDSA = 3,
    VECTORS = 5,
};

struct scene {
    json_t *root;
    const json_t *vector;
    struct webauthn_party party; /* relay.example; may be changed */
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    struct buf client_data;
    struct buf auth_data;
    struct buf signature;
    struct webauthn_credential credential;
};

/* Begin before the registration of a vector; or registered, and before the assertion. */
void scene_new(struct scene *scene, size_t place);
void scene_registered(struct scene *scene, size_t place);
void scene_clear(struct scene *scene);

/* Read "registration" or "assertion" again. */
void scene_read(struct scene *scene, const char *member);

/* Have what the scene holds judged. */
enum webauthn_result scene_registers(struct scene *scene);
enum webauthn_result scene_asserts(struct scene *scene);
