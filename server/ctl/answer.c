/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/answer.h"

#include <string.h>

#include "server/ctl/say.h"

enum {
    ID_LETTERS = 22,    /* of 16 bytes */
    SECRET_LETTERS = 43 /* of 32 bytes */
};

const char *answer_text(const json_t *value, const char *alphabet, size_t min, size_t max)
{
    const char *text = json_string_value(value);
    size_t size = text == NULL ? 0 : strlen(text);

    if (text == NULL || size < min || size > max || strspn(text, alphabet) != size) {
        return NULL;
    }
    return text;
}

const char *answer_word(const json_t *object, const char *member)
{
    const char *text =
        answer_text(json_object_get(object, member), ANSWER_WORD, 1, ANSWER_WORD_MAX);

    return text == NULL ? "?" : text;
}

bool answer_is_id(const char *text)
{
    return strlen(text) == ID_LETTERS && strspn(text, ANSWER_BASE64URL) == ID_LETTERS;
}

const char *answer_id(const json_t *object, const char *member)
{
    return answer_text(json_object_get(object, member), ANSWER_BASE64URL, ID_LETTERS, ID_LETTERS);
}

const char *answer_secret(const json_t *object, const char *member)
{
    return answer_text(json_object_get(object, member), ANSWER_BASE64URL, SECRET_LETTERS,
                       SECRET_LETTERS);
}

int64_t answer_number(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

enum exit_code answer_say_odd(const char *what)
{
    say_error("the relay's answer has no %s of the form that it should have; is it of another "
              "version?",
              what);
    return EXIT_CODE_NETWORK;
}
