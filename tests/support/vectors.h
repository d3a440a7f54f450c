/* SPDX-License-Identifier: Apache-2.0 */
/* Reads tests/vectors/: JSON files whose byte strings are in hex.  A fault ends the test. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "common/buf.h"

/* Load the file at path, TESTS_DIR "/vectors/...".  The caller decrefs it. */
json_t *vectors_load(const char *path);

/* Return the member of object that is a text.  Borrowed from object. */
const char *vectors_text(const json_t *object, const char *member);

/* Append the bytes of hex to out; hex is well-formed. */
void vectors_hex(const char *hex, struct buf *out);

/* Write the size bytes of hex to out; hex has exactly that many. */
void vectors_hex_exact(const char *hex, void *out, size_t size);
