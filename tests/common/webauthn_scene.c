/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/common/webauthn_scene.h"

#include <string.h>

#include "common/bytes.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

static const char *const origins[] = { "https://other.relay.example", "https://relay.example" };
static const struct webauthn_party party = {
    .rp_id = "relay.example",
    .origins = origins,
    .origin_count = 2,
};

void scene_read(struct scene *scene, const char *member)
{
    const json_t *part = json_object_get(scene->vector, member);

    vectors_hex_exact(vectors_text(part, "challenge"), scene->challenge, sizeof scene->challenge);
    buf_empty(&scene->client_data);
    buf_empty(&scene->auth_data);
    buf_empty(&scene->signature);
    vectors_hex(vectors_text(part, "client_data"), &scene->client_data);
    vectors_hex(vectors_text(part, "auth_data"), &scene->auth_data);
    if (json_object_get(part, "signature") != NULL) {
        vectors_hex(vectors_text(part, "signature"), &scene->signature);
    }
}

enum webauthn_result scene_registers(struct scene *scene)
{
    return webauthn_register(&scene->party, scene->challenge, buf_view(&scene->client_data),
                             buf_view(&scene->auth_data), &scene->credential);
}

enum webauthn_result scene_asserts(struct scene *scene)
{
    const struct webauthn_assertion assertion = {
        .client_data = buf_view(&scene->client_data),
        .auth_data = buf_view(&scene->auth_data),
        .signature = buf_view(&scene->signature),
    };

    return webauthn_assert(&scene->party, scene->challenge, &assertion, &scene->credential);
}

void scene_new(struct scene *scene, size_t place)
{
    memset(scene, 0, sizeof *scene);
    scene->root = vectors_load(TESTS_DIR "/vectors/webauthn.json");
    scene->vector = json_array_get(scene->root, place);
    scene->party = party;
    scene_read(scene, "registration");
}

void scene_registered(struct scene *scene, size_t place)
{
    scene_new(scene, place);
    assert_int_equal(scene_registers(scene), WEBAUTHN_GOOD);
    scene_read(scene, "assertion");
}

void scene_clear(struct scene *scene)
{
    buf_clear(&scene->client_data);
    buf_clear(&scene->auth_data);
    buf_clear(&scene->signature);
    json_decref(scene->root);
}
