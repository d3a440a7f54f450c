/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Welcomes find their way by KeyPackage reference (RFC 9420 section 12.4.3.1): a
 * Welcome names the KeyPackages of those whom it adds, and the directory knows
 * whose the ones are that it has handed out.  So who adds a member need not say
 * which device that was.
 *
 * A reference is noted in the transaction that hands its KeyPackage out
 * (keys_claim_sql.c), is forgotten after LIMIT_REFERENCE_DAYS, and goes with its device.
 * Loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/domain/domain.h"

enum welcomes_result {
    WELCOMES_FOUND = 0,
    WELCOMES_INVALID,    /* it is no MLSMessage with a Welcome: `why` */
    WELCOMES_UNKNOWN,    /* `unknown` were not handed out here, or too long ago */
    WELCOMES_UNAVAILABLE /* the store cannot say */
};

struct welcomes_found {
    enum welcomes_result result;
    const struct device_pub *pubs; /* each once, in the order of the Welcome */
    size_t count;
    const struct bytes *unknown; /* references */
    size_t unknown_count;
    const char *why;
};

/* found is borrowed until return. */
typedef void welcomes_found_fn(void *arg, const struct welcomes_found *found);

/*
 * Find the devices that a Welcome is for; all of them, or none.  welcome is copied.
 * done is called once: before this returns when it is no Welcome.
 */
void welcomes_find(struct domain *domain, struct bytes welcome, welcomes_found_fn *done, void *arg);

/* Forget references that are old. */
void welcomes_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
