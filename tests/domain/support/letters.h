/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail of one letter each, "a", "b", ..., in the mailbox of device 1, and what is
 * read of it, all at TEMP_DOMAIN_NOW_MS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct temp_domain;
struct temp_read;

/* Send count letters of the longest life, read them into page and write their seqs. */
void letters_send(struct temp_domain *temp, size_t count, struct temp_read *page,
                  int64_t *out_seqs);

/* Read a page of at most item_max items and byte_max bytes behind after. */
void letters_read(struct temp_domain *temp, struct temp_read *page, int64_t after, size_t item_max,
                  int64_t byte_max);

/* Assert that the page has exactly these letters, and whether more stand behind it. */
void letters_are(const struct temp_read *page, const char *letters, bool more);
