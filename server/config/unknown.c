/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/unknown.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "server/config/fault.h"
#include "server/config/options.h"

enum {
    SHOWN_MAX_BYTES = 60
};

static bool is_of_name(char letter)
{
    return isalnum((unsigned char)letter) != 0 || (unsigned char)letter > '\x7f' ||
           (letter != '\0' && strchr("_-.", letter) != NULL);
}

size_t unknown_name_bytes(const char *text)
{
    size_t size = 0;

    while (is_of_name(text[size])) {
        size++;
    }
    return size;
}

bool unknown_say(const struct fault *fault, const char *where, const char *name)
{
    char *word = mem_text_of(name, unknown_name_bytes(name));
    const char *meant = options_meant(word);

    if (meant != NULL) {
        (void)fault_say(fault, "%s: there is no option %s; did you mean %s?", where, word, meant);
    } else {
        (void)fault_say(fault, "%s: there is no option %.*s; sealpostd --print-config names all",
                        where, SHOWN_MAX_BYTES, word);
    }
    free(word);
    return false;
}
