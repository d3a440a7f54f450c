/* SPDX-License-Identifier: Apache-2.0 */
/* The copy of the heartbeat is one line: "sealpost-heartbeat 1 <value>" LF. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "server/config/fault.h"
#include "server/config/key_dir.h"
#include "server/config/keyring.h"

enum {
    HEARTBEAT_MODE = 0600,
    DIGITS_MAX = 18
};

static const int64_t value_max = INT64_C(999999999999999999); /* DIGITS_MAX digits */

static const char file_name[] = "heartbeat";
static const char head[] = "sealpost-heartbeat 1 ";

/* Strict: what keyring_write_heartbeat writes and nothing else.  text ends with a NUL. */
static bool parse(const char *text, int64_t *out_value)
{
    int64_t value = 0;
    size_t digits = 0;

    if (strncmp(text, head, strlen(head)) != 0) {
        return false;
    }
    text += strlen(head);
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || strcmp(text + digits, "\n") != 0) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + (text[i] - '0');
    }
    *out_value = value;
    return true;
}

static bool read_file(int dir, const char *path, int64_t *out_value, const struct fault *fault)
{
    struct buf text = { 0 };
    bool good = false;

    if (faccessat(dir, file_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
        *out_value = KEYRING_NO_HEARTBEAT;
        return true;
    }
    if (key_dir_read(dir, path, file_name, HEARTBEAT_MODE, &text, fault)) {
        buf_append_u8(&text, 0);
        good = parse((const char *)text.at, out_value);
    }
    buf_clear(&text);
    return good || fault_say(fault,
                             "%s/%s: is damaged; delete it: without it the database is taken "
                             "for a restored one, which harms nothing",
                             path, file_name);
}

bool keyring_read_heartbeat(const char *dir, int64_t *out_value, char *out_error, size_t error_size)
{
    struct fault fault;
    int fd = -1;
    bool good = false;

    fault_init(&fault, out_error, error_size);
    fd = key_dir_open(dir, false, &fault);
    if (fd < 0) {
        return false;
    }
    good = read_file(fd, dir, out_value, &fault);
    (void)close(fd);
    return good;
}

bool keyring_write_heartbeat(const char *dir, int64_t value, char *out_error, size_t error_size)
{
    struct fault fault;
    struct buf text = { 0 };
    int fd = -1;
    bool good = false;

    fault_init(&fault, out_error, error_size);
    if (value < 0 || value > value_max) {
        return fault_say(&fault, "heartbeat %" PRId64 " of the database is damaged", value);
    }
    fd = key_dir_open(dir, false, &fault);
    if (fd < 0) {
        return false;
    }
    buf_append_format(&text, "%s%" PRId64 "\n", head, value);
    good = key_dir_write(fd, file_name, HEARTBEAT_MODE, buf_view(&text), KEY_DIR_REPLACE) ||
           fault_say(&fault, "%s/%s: cannot be written (%s)", dir, file_name, fault_reason(errno));
    buf_clear(&text);
    (void)close(fd);
    return good;
}
