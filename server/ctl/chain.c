/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/chain.h"

#include <stdlib.h>
#include <string.h>

#include "common/manifest.h"
#include "common/mem.h"

void chain_init(struct chain *chain, const struct account_id *account)
{
    *chain = (struct chain){ .account = *account };
}

void chain_clear(struct chain *chain)
{
    free(chain->head);
    chain->head = NULL;
    buf_clear(&chain->signed_head);
}

/* Parse a copy of signed_manifest into *bytes; NULL when it breaks rule 1. */
static struct manifest *manifest_read(struct bytes signed_manifest, struct buf *bytes)
{
    struct manifest *manifest = mem_zeroed(1, sizeof *manifest);

    buf_append(bytes, signed_manifest);
    if (manifest_parse(buf_view(bytes), manifest) != MANIFEST_VALID) {
        free(manifest);
        buf_clear(bytes);
        return NULL;
    }
    return manifest;
}

static bool is_of_account(const struct chain *chain, const struct manifest *manifest)
{
    return memcmp(manifest->account.raw, chain->account.raw, sizeof chain->account.raw) == 0;
}

/* Make manifest, which borrows *bytes, the head, and own both. */
static void head_set(struct chain *chain, struct manifest *manifest, const struct buf *bytes)
{
    chain_clear(chain);
    chain->head = manifest;
    chain->signed_head = *bytes;
    manifest_hash_of(manifest->body, &chain->hash);
}

bool chain_restore(struct chain *chain, struct bytes signed_manifest)
{
    struct buf bytes = { 0 };
    struct manifest *manifest = manifest_read(signed_manifest, &bytes);

    if (manifest == NULL || !is_of_account(chain, manifest)) {
        free(manifest);
        buf_clear(&bytes);
        return false;
    }
    head_set(chain, manifest, &bytes);
    return true;
}

static enum chain_result judge_valid(struct chain *chain, const struct manifest *manifest)
{
    enum manifest_verdict verdict = chain->head == NULL
                                        ? manifest_check_first(manifest)
                                        : manifest_check_next(chain->head, manifest);

    chain->rule = (int)verdict;
    return verdict == MANIFEST_VALID ? CHAIN_OK : CHAIN_BROKEN;
}

static enum chain_result judge(struct chain *chain, const struct manifest *manifest)
{
    struct manifest_hash hash;
    uint64_t wanted = chain->head == NULL ? 0 : chain->head->epoch + 1;

    if (!is_of_account(chain, manifest)) {
        return CHAIN_FOREIGN;
    }
    if (chain->head != NULL && manifest->epoch == chain->head->epoch) {
        manifest_hash_of(manifest->body, &hash);
        return chain_judge_head(chain, manifest->epoch, &hash);
    }
    if (manifest->epoch != wanted) {
        return CHAIN_BACK;
    }
    return judge_valid(chain, manifest);
}

enum chain_result chain_extend(struct chain *chain, struct bytes signed_manifest)
{
    struct buf bytes = { 0 };
    struct manifest *manifest = manifest_read(signed_manifest, &bytes);

    if (manifest == NULL) {
        chain->rule = MANIFEST_RULE_1_FORM;
        return CHAIN_BROKEN;
    }
    enum chain_result result = judge(chain, manifest);
    if (result == CHAIN_OK) {
        head_set(chain, manifest, &bytes);
    } else {
        free(manifest);
        buf_clear(&bytes);
    }
    return result;
}

enum chain_result chain_judge_head(const struct chain *chain, uint64_t epoch,
                                   const struct manifest_hash *hash)
{
    if (chain->head == NULL || epoch != chain->head->epoch) {
        return CHAIN_BACK;
    }
    return memcmp(hash->raw, chain->hash.raw, sizeof hash->raw) == 0 ? CHAIN_SAME : CHAIN_FORK;
}

const char *chain_result_text(enum chain_result result, int rule)
{
    switch (result) {
    case CHAIN_OK:
    case CHAIN_SAME:
        return "the devices are verified";
    case CHAIN_FOREIGN:
        return "the relay showed the manifest of another account";
    case CHAIN_BROKEN:
        return manifest_verdict_text((enum manifest_verdict)rule);
    case CHAIN_BACK:
        return "the relay shows an older device list than the one this device has verified";
    case CHAIN_FORK:
        return "the relay shows another device list for an epoch that this device has verified";
    }
    return "";
}
