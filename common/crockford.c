/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crockford.h"

#include <string.h>

#include "common/check.h"

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

char crockford_letter(unsigned value)
{
    CHECK(value < sizeof letters - 1);
    return letters[value];
}

/* The upper-case letter that was meant. */
static char meant(uint8_t typed)
{
    char letter = (char)(typed >= 'a' && typed <= 'z' ? typed - 'a' + 'A' : typed);

    if (letter == 'O') {
        return '0';
    }
    if (letter == 'I' || letter == 'L') {
        return '1';
    }
    return letter;
}

int crockford_value(uint8_t typed)
{
    char letter = meant(typed);
    const char *at = letter != '\0' ? strchr(letters, letter) : NULL;

    return at != NULL ? (int)(at - letters) : -1;
}
