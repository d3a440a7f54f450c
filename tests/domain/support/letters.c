/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/letters.h"

#include <string.h>

#include "common/limits.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

void letters_send(struct temp_domain *temp, size_t count, struct temp_read *page, int64_t *out_seqs)
{
    static struct temp_sent sent; /* too large for the stack */

    for (size_t i = 0; i < count; i++) {
        const char body[2] = { (char)('a' + i), '\0' };
        temp_domain_send_at(temp, 1, body, LIMIT_TTL_MAX_S, TEMP_DOMAIN_NOW_MS, &sent);
    }
    temp_domain_read(temp, 1, 0, TEMP_DOMAIN_NOW_MS, page);
    assert_int_equal(page->count, count);
    for (size_t i = 0; i < count; i++) {
        out_seqs[i] = page->items[i].seq;
    }
}

void letters_read(struct temp_domain *temp, struct temp_read *page, int64_t after, size_t item_max,
                  int64_t byte_max)
{
    temp_domain_read_page(temp, 1,
                          &(struct mail_page){ .after = after,
                                               .item_max = item_max,
                                               .byte_max = byte_max,
                                               .now_ms = TEMP_DOMAIN_NOW_MS },
                          page);
    assert_true(page->ok);
}

void letters_are(const struct temp_read *page, const char *letters, bool more)
{
    assert_int_equal(page->count, strlen(letters));
    for (size_t i = 0; i < page->count; i++) {
        assert_int_equal(page->bodies[i][0], letters[i]);
    }
    assert_int_equal(page->more, more);
}
