/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url without padding (RFC 4648 section 5), strict: no '=', no spaces,
 * no other alphabet, and unused bits must be zero, so one byte string has
 * exactly one text.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/bytes.h"

/* Bytes that a text of text_size characters decodes to at most. */
size_t base64url_decoded_max(size_t text_size);

/* Decode text and append it to out; false, and out unchanged, when text is not strict. */
bool base64url_decode(struct bytes text, struct buf *out);

/* Decode text into exactly size bytes at out; false when it is another length or not strict. */
bool base64url_decode_exact(struct bytes text, void *out, size_t size);

/* Append the text of value to out, without a NUL. */
void base64url_encode(struct bytes value, struct buf *out);

/* Return the text of value, NUL-terminated.  The caller frees it. */
char *base64url_text(struct bytes value);
