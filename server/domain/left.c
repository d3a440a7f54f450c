/* SPDX-License-Identifier: Apache-2.0 */
/* One key, two labels: a hash of one kind never matches one of the other. */
#include "server/domain/left.h"

#include "common/bytes.h"
#include "server/domain/domain.h"

/* The NUL that ends a label is part of it. */
static const char device_label[] = "sealpost/left-device/1";
static const char account_label[] = "sealpost/erased-account/1";

void left_device(const struct domain *domain, const struct device_pub *pub, struct left_hash *out)
{
    const struct bytes parts[] = { bytes_of(device_label, sizeof device_label),
                                   bytes_of(pub->raw, sizeof pub->raw) };

    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), parts, 2, out->raw);
}

void left_account(const struct domain *domain, const struct account_id *account_id,
                  struct left_hash *out)
{
    const struct bytes parts[] = { bytes_of(account_label, sizeof account_label),
                                   bytes_of(account_id->raw, sizeof account_id->raw) };

    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), parts, 2, out->raw);
}
