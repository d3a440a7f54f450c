/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/draft_put.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "server/ctl/device.h"
#include "server/ctl/draft.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum exit_code draft_put(struct device *device, struct bytes draft)
{
    struct manifest *manifest = mem_zeroed(1, sizeof *manifest);
    struct buf path = { 0 };
    json_t *answer = NULL;

    if (manifest_parse(draft, manifest) != MANIFEST_VALID) {
        free(manifest);
        say_error("%s", draft_result_text(DRAFT_BAD));
        return EXIT_CODE_USAGE;
    }
    char *id = base64url_text(bytes_of(manifest->account.raw, sizeof manifest->account.raw));
    buf_append_format(&path, "/v1/accounts/%s/manifests/%" PRIu64, id, manifest->epoch);
    buf_append_u8(&path, 0);
    const struct http_call call = {
        .method = "PUT",
        .path = (const char *)path.at,
        .body = json_pack("{s:o}", "manifest", json_base64url(draft)),
    };
    enum exit_code code = http_client_ask(device->http, &call, &answer);
    if (code == EXIT_CODE_OK) {
        const json_t *held = json_object_get(answer, "held_until");
        (void)printf("epoch %" PRIu64 "%s\n", manifest->epoch,
                     held != NULL ? " is held; see sealpost device holds" : "");
        json_decref(answer);
    }
    buf_clear(&path);
    free(id);
    free(manifest);
    return code;
}
