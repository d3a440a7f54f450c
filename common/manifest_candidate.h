/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates: manifests that add one device, which has still to sign.  A device of
 * the account makes one and signs it, the new device looks at it and signs too, and
 * it is the next manifest.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/manifest.h"

/*
 * The number of the one device that next has more than old, when nothing else differs in what
 * they list and in their flags and recovery key; else 0.
 */
uint32_t manifest_candidate_newcomer(const struct manifest *old, const struct manifest *next);

/* manifest_check_next, but that the device newcomer, which is new in next, need not have signed. */
enum manifest_verdict manifest_candidate_check(const struct manifest *old,
                                               const struct manifest *next, uint32_t newcomer);

/* Say whether the device signer of next, which has to be ADMIN in it, has signed it well. */
bool manifest_candidate_is_by(const struct manifest *next, uint32_t signer);

/* Append the signed bytes of next with one more signature; its signer has not signed before. */
void manifest_candidate_complete(const struct manifest *next,
                                 const struct manifest_signature *signature, struct buf *out);
