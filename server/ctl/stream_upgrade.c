/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/stream_upgrade.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum {
    STATUS_SWITCHING = 101,
    STATUS_LINE_BYTES = 12, /* "HTTP/1.1 101" */
    STATUS_AT = 9,
};

static const char subprotocol[] = "sealpost.v1";

/* Part base_url into host, with its port, and path prefix.  It was checked when it was given. */
static void url_part(const char *base_url, struct bytes *out_host, struct bytes *out_path)
{
    const char *host = strstr(base_url, "://");

    host = host == NULL ? base_url : host + 3;
    size_t size = strcspn(host, "/");
    *out_host = bytes_of(host, size);
    *out_path = bytes_text(host + size);
}

void stream_upgrade_init(struct stream_upgrade *upgrade, const char *base_url, const char *token)
{
    uint8_t nonce[WS_HANDSHAKE_NONCE_BYTES];
    struct bytes host;
    struct bytes path;

    *upgrade = (struct stream_upgrade){ .key = "" };
    random_fill(nonce, sizeof nonce);
    ws_handshake_key_of(nonce, upgrade->key);
    url_part(base_url, &host, &path);
    buf_append_text(&upgrade->text, "GET ");
    buf_append(&upgrade->text, path);
    buf_append_text(&upgrade->text, "/v1/stream HTTP/1.1\r\nHost: ");
    buf_append(&upgrade->text, host);
    buf_append_format(&upgrade->text,
                      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
                      "Sec-WebSocket-Protocol: %s\r\nAuthorization: Bearer %s\r\n\r\n",
                      upgrade->key, subprotocol, token);
}

void stream_upgrade_clear(struct stream_upgrade *upgrade)
{
    mem_wipe(upgrade->text.at, upgrade->text.size);
    buf_clear(&upgrade->text);
}

size_t stream_upgrade_head_size(struct bytes answer)
{
    const uint8_t *end = answer.size == 0 ? NULL : memmem(answer.at, answer.size, "\r\n\r\n", 4);

    return end == NULL ? 0 : (size_t)(end - answer.at) + 4;
}

/* Say whether head has the field name with exactly value. */
static bool head_has(const char *head, const char *name, const char *value)
{
    size_t name_size = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':') {
            continue;
        }
        const char *found = line + name_size + 1;
        found += strspn(found, " \t");
        size_t size = strcspn(found, "\r");
        return size == strlen(value) && strncasecmp(found, value, size) == 0;
    }
    return false;
}

static enum exit_code judge_switch(const struct stream_upgrade *upgrade, const char *head)
{
    char accept[WS_HANDSHAKE_ACCEPT_BYTES];

    ws_handshake_accept_of(bytes_text(upgrade->key), accept);
    if (!head_has(head, "upgrade", "websocket") || !head_has(head, "connection", "upgrade") ||
        !head_has(head, "sec-websocket-accept", accept) ||
        !head_has(head, "sec-websocket-protocol", subprotocol)) {
        say_error("the answer to the upgrade is not that of a Sealpost relay");
        return EXIT_CODE_NETWORK;
    }
    return EXIT_CODE_OK;
}

enum exit_code stream_upgrade_judge(const struct stream_upgrade *upgrade, struct bytes answer)
{
    size_t size = stream_upgrade_head_size(answer);
    char *head = mem_text_of(answer.at, size);
    struct http_reply reply = { .status = 0 };
    enum exit_code code = EXIT_CODE_NETWORK;

    if (size > STATUS_LINE_BYTES && strncmp(head, "HTTP/1.1 ", STATUS_AT) == 0) {
        reply.status = (int)strtol(head + STATUS_AT, NULL, 10);
    }
    if (reply.status == STATUS_SWITCHING) {
        code = judge_switch(upgrade, head);
    } else {
        struct bytes body = bytes_of(answer.at + size, answer.size - size);
        reply.json = body.size == 0 ? NULL : json_parse(body, LIMIT_JSON_DEPTH);
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    free(head);
    return code;
}
