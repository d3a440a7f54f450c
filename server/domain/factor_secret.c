/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_secret.h"

#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/seal.h"
#include "server/domain/domain.h"
#include "server/domain/sealed.h"

static struct seal_place place_of(const struct factor_id *id)
{
    return sealed_place(SEALED_FACTOR_SECRET, bytes_of(id->raw, sizeof id->raw));
}

void factor_secret_close(const struct domain *domain, const struct factor_id *id,
                         const uint8_t secret[TOTP_SECRET_BYTES], struct buf *out)
{
    const struct seal_place place = place_of(id);

    seal_close(domain->seal, &place, bytes_of(secret, TOTP_SECRET_BYTES), out);
}

bool factor_secret_open(const struct domain *domain, const struct factor_id *id,
                        struct bytes sealed, uint8_t out[TOTP_SECRET_BYTES])
{
    const struct seal_place place = place_of(id);
    struct buf opened = { 0 };
    bool ok = seal_open(domain->seal, &place, sealed, &opened) && opened.size == TOTP_SECRET_BYTES;

    if (ok) {
        memcpy(out, opened.at, TOTP_SECRET_BYTES);
    } else {
        log_error("factors.unreadable",
                  "factor=%s why=\"damaged, or its seal key is not in key_dir\"",
                  log_id(bytes_of(id->raw, sizeof id->raw)).text);
    }
    mem_wipe(opened.at, opened.size);
    buf_clear(&opened);
    return ok;
}

void factor_secret_open_decoy(const struct domain *domain)
{
    const struct factor_id id = { { 0 } };
    const struct seal_place place = place_of(&id);

    seal_open_decoy(domain->seal, &place, TOTP_SECRET_BYTES);
}
