/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/cors.h"

#include "common/buf.h"
#include "server/http/parser.h"

static bool allows_all(const char *origins)
{
    return bytes_equal(bytes_text(origins), bytes_text("*"));
}

bool cors_allows(const char *origins, struct bytes origin)
{
    struct bytes rest = bytes_text(origins);
    struct bytes member;

    if (origin.size == 0 || origins[0] == '\0') {
        return false;
    }
    if (allows_all(origins)) {
        return true;
    }
    while (head_next_member(&rest, &member)) {
        if (bytes_equal(member, origin)) {
            return true;
        }
    }
    return false;
}

void cors_append(struct buf *out, const char *origins, struct bytes origin)
{
    if (origins[0] == '\0') {
        return;
    }
    if (!allows_all(origins)) {
        buf_append_text(out, "Vary: Origin\r\n"); /* also for those that are not allowed */
    }
    if (!cors_allows(origins, origin)) {
        return;
    }
    buf_append_text(out, "Access-Control-Allow-Origin: ");
    buf_append(out, allows_all(origins) ? bytes_text("*") : origin);
    buf_append_text(out, "\r\nAccess-Control-Expose-Headers: Sealpost-Request-Id, Retry-After, "
                         "ETag, Date\r\n");
}

void cors_append_preflight(struct buf *out, struct bytes methods)
{
    buf_append_text(out, "Access-Control-Allow-Methods: ");
    buf_append(out, methods);
    buf_append_text(out, "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type, "
                         "Sealpost-Command, If-None-Match\r\n"
                         "Access-Control-Max-Age: 7200\r\n");
}
