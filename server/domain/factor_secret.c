/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_secret.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/seal.h"
#include "server/domain/domain.h"

static struct seal_place place_of(const struct factor_id *id)
{
    return (struct seal_place){
        .table = "factors",
        .column = "secret",
        .row = bytes_of(id->raw, sizeof id->raw),
    };
}

void factor_secret_close(const struct domain *domain, const struct factor_id *id,
                         struct bytes secret, struct buf *out)
{
    const struct seal_place place = place_of(id);

    seal_close(domain->seal, &place, secret, out);
}

void factor_secret_say_damaged(const struct factor_id *id)
{
    log_error("factors.unreadable", "factor=%s why=\"damaged, or its key is not in key_dir\"",
              log_id(bytes_of(id->raw, sizeof id->raw)).text);
}

bool factor_secret_open(const struct domain *domain, const struct factor_id *id,
                        struct bytes sealed, struct buf *out)
{
    const struct seal_place place = place_of(id);
    bool ok = seal_open(domain->seal, &place, sealed, out);

    if (!ok) {
        factor_secret_say_damaged(id);
    }
    return ok;
}

void factor_secret_wipe(struct buf *secret)
{
    if (secret->room > 0) {
        mem_wipe(secret->at, secret->room);
    }
    buf_clear(secret);
}

void factor_secret_open_decoy(const struct domain *domain, size_t size)
{
    const struct factor_id id = { { 0 } };
    const struct seal_place place = place_of(&id);

    seal_open_decoy(domain->seal, &place, size);
}
