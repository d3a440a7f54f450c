/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client may have sent anything in front of what the proxies add, an open
 * quote too.  So Forwarded is cut from the right at a comma outside quotes, seen
 * from the right: what a proxy wrote is well-formed, and its comma is found
 * before anything that the client wrote.
 */
#include "server/net/forwarded.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "common/decimal.h"
#include "common/network.h"

enum {
    NODE_BYTES = 64, /* the longest name of a node that is looked at */
    PORT_MAX = 65535
};

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text = bytes_of(text.at + 1, text.size - 1);
    }
    while (text.size > 0 && (text.at[text.size - 1] == ' ' || text.at[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

/* Say whether the quote at place is one, and not an escaped character. */
static bool is_quote(struct bytes text, size_t place)
{
    size_t slashes = 0;

    if (text.at[place] != '"') {
        return false;
    }
    while (slashes < place && text.at[place - 1 - slashes] == '\\') {
        slashes++;
    }
    return slashes % 2 == 0;
}

/* Cut *rest at its last comma, outside quotes where quotes count; false at the end. */
static bool cut_last(struct bytes *rest, bool quotes, struct bytes *out)
{
    struct bytes whole = *rest;
    bool quoted = false;
    size_t at = whole.size;

    if (whole.size == 0) {
        return false;
    }
    while (at > 0 && (quoted || whole.at[at - 1] != ',')) {
        if (quotes && is_quote(whole, at - 1)) {
            quoted = !quoted;
        }
        at--;
    }
    *out = trim(bytes_of(whole.at + at, whole.size - at));
    *rest = bytes_of(whole.at, at == 0 ? 0 : at - 1);
    return true;
}

/* The last element that is not empty (RFC 9110 section 5.6.1.2); false at the end. */
static bool next_element(struct bytes *rest, bool quotes, struct bytes *out)
{
    while (cut_last(rest, quotes, out)) {
        if (out->size > 0) {
            return true;
        }
    }
    return false;
}

static bool text_is(struct bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.at, word, text.size) == 0;
}

/* RFC 7239 section 6.3: "_" and letters, digits, ".", "_", "-". */
static bool is_obfuscated(struct bytes text)
{
    bool fit = text.size > 1 && text.at[0] == '_';

    for (size_t i = 1; fit && i < text.size; i++) {
        fit = isalnum(text.at[i]) != 0 || strchr("._-", text.at[i]) != NULL;
    }
    return fit && memchr(text.at, '\0', text.size) == NULL;
}

static bool is_port(struct bytes text)
{
    int64_t port = 0;

    return decimal_parse(text, PORT_MAX, &port) || is_obfuscated(text);
}

/* Read "[v6]" or "[v6]:port". */
static enum forwarded_step read_bracketed(struct bytes node, struct network_address *out)
{
    const uint8_t *end = memchr(node.at, ']', node.size);
    size_t size = end == NULL ? 0 : (size_t)(end - node.at);

    if (end == NULL || memchr(node.at, ':', size) == NULL ||
        !network_parse_address(bytes_of(node.at + 1, size - 1), out)) {
        return FORWARDED_BAD;
    }
    struct bytes tail = bytes_of(end + 1, node.size - size - 1);
    if (tail.size > 0 && (tail.at[0] != ':' || !is_port(bytes_of(tail.at + 1, tail.size - 1)))) {
        return FORWARDED_BAD;
    }
    return FORWARDED_ADDRESS;
}

/* Read a node: an address in one of the forms of RFC 7239 section 6, or a name for nobody. */
static enum forwarded_step read_node(struct bytes node, struct network_address *out)
{
    const uint8_t *colon = NULL;
    struct bytes name = node;

    if (node.size == 0 || node.size > NODE_BYTES) {
        return FORWARDED_BAD;
    }
    if (node.at[0] == '[') {
        return read_bracketed(node, out);
    }
    colon = memchr(node.at, ':', node.size);
    if (colon != NULL) {
        size_t size = (size_t)(colon - node.at);
        name = bytes_of(node.at, size);
        if (!is_port(bytes_of(colon + 1, node.size - size - 1))) {
            return FORWARDED_BAD;
        }
    }
    if (text_is(name, "unknown") || is_obfuscated(name)) {
        return FORWARDED_HIDDEN;
    }
    return network_parse_address(name, out) ? FORWARDED_ADDRESS : FORWARDED_BAD;
}

enum forwarded_step forwarded_last_x(struct bytes *rest, struct network_address *out)
{
    struct bytes node;

    if (!next_element(rest, false, &node)) {
        return FORWARDED_END;
    }
    /* Here IPv6 comes without brackets as a rule. */
    if (network_parse_address(node, out)) {
        return FORWARDED_ADDRESS;
    }
    return read_node(node, out);
}

static bool is_token_byte(uint8_t byte)
{
    return isalnum(byte) != 0 || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

/* Take a token off *rest; false when none is there. */
static bool take_token(struct bytes *rest, struct bytes *out)
{
    size_t size = 0;

    while (size < rest->size && is_token_byte(rest->at[size])) {
        size++;
    }
    *out = bytes_of(rest->at, size);
    *rest = bytes_of(rest->at + size, rest->size - size);
    return size > 0;
}

/* Take a quoted string off *rest; the bytes between the quotes, still escaped. */
static bool take_quoted(struct bytes *rest, struct bytes *out)
{
    size_t at = 1;

    while (at < rest->size && rest->at[at] != '"') {
        at += rest->at[at] == '\\' ? 2 : 1;
    }
    if (at >= rest->size) {
        return false;
    }
    *out = bytes_of(rest->at + 1, at - 1);
    *rest = bytes_of(rest->at + at + 1, rest->size - at - 1);
    return true;
}

/* Take "name=value" and the ";" behind it off *rest. */
static bool take_pair(struct bytes *rest, struct bytes *out_name, struct bytes *out_value)
{
    if (!take_token(rest, out_name) || rest->size < 2 || rest->at[0] != '=') {
        return false;
    }
    *rest = bytes_of(rest->at + 1, rest->size - 1);
    if (!(rest->at[0] == '"' ? take_quoted(rest, out_value) : take_token(rest, out_value))) {
        return false;
    }
    *rest = trim(*rest);
    if (rest->size == 0) {
        return true;
    }
    if (rest->at[0] != ';') {
        return false;
    }
    *rest = trim(bytes_of(rest->at + 1, rest->size - 1));
    return true;
}

enum forwarded_step forwarded_last(struct bytes *rest, struct network_address *out)
{
    enum forwarded_step step = FORWARDED_HIDDEN;
    struct bytes element;
    struct bytes name;
    struct bytes value;
    bool named = false;

    if (!next_element(rest, true, &element)) {
        return FORWARDED_END;
    }
    while (element.size > 0) {
        if (!take_pair(&element, &name, &value)) {
            return FORWARDED_BAD;
        }
        if (text_is(name, "for")) {
            step = named ? FORWARDED_BAD : read_node(value, out);
            named = true;
        }
        if (step == FORWARDED_BAD) {
            return step;
        }
    }
    return step;
}
