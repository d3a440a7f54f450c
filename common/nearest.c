/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distance of Damerau and Levenshtein, in the form in which no letter is touched twice
 * ("optimal string alignment"): three rows of the table at a time are enough.
 */
#include "common/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
    ROWS = 3,
    START_MIN_LETTERS = 4
};

/* Two letters that a hand or an eye takes for one are one. */
static bool alike(char a, char b)
{
    return tolower((unsigned char)(a == '-' ? '_' : a)) ==
           tolower((unsigned char)(b == '-' ? '_' : b));
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The rows of the table, by the letters of a that they have behind them; each wraps at ROWS. */
struct table {
    size_t rows[ROWS][NEAREST_MAX_BYTES + 1];
};

/* How the first i letters of a become the first j of b, both at least 1. */
static size_t cell(const struct table *table, const char *a, const char *b, size_t i, size_t j)
{
    const size_t *row = table->rows[i % ROWS];
    const size_t *above = table->rows[(i - 1) % ROWS];
    size_t changed = above[j - 1] + (alike(a[i - 1], b[j - 1]) ? 0 : 1);
    size_t best = smaller(changed, smaller(above[j], row[j - 1]) + 1);

    if (i > 1 && j > 1 && alike(a[i - 1], b[j - 2]) && alike(a[i - 2], b[j - 1])) {
        best = smaller(best, table->rows[(i - 2) % ROWS][j - 2] + 1);
    }
    return best;
}

/* Both fit into NEAREST_MAX_BYTES. */
static size_t distance(const char *a, const char *b)
{
    struct table table;
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);

    for (size_t j = 0; j <= b_size; j++) {
        table.rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = table.rows[i % ROWS];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            row[j] = cell(&table, a, b, i, j);
        }
    }
    return table.rows[a_size % ROWS][b_size];
}

/* How many letters both begin with. */
static size_t common_start(const char *a, const char *b)
{
    size_t size = 0;

    while (a[size] != '\0' && alike(a[size], b[size])) {
        size++;
    }
    return size;
}

void nearest_try(struct nearest *nearest, const char *written, const char *word)
{
    size_t size = strlen(written);
    size_t same = common_start(written, word);

    if (size > NEAREST_MAX_BYTES || strlen(word) > NEAREST_MAX_BYTES) {
        return;
    }
    if (nearest->start == NULL && same >= START_MIN_LETTERS &&
        (written[same] == '\0' || word[same] == '\0')) {
        nearest->start = word;
    }
    size_t away = distance(written, word);
    if (away <= size / 3 && (nearest->best == NULL || away < nearest->distance)) {
        nearest->best = word;
        nearest->distance = away;
    }
}
