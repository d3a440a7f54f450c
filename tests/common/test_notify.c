/* SPDX-License-Identifier: Apache-2.0 */
/* With a socket in place of the service manager's.  What the daemon says is tests/e2e/service.test.mjs. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/notify.h"
#include "tests/support/unit.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): one thread */

enum {
    MESSAGE_BYTES = 1024
};

static char name[64];

/* A socket with an abstract name, "@..." in NOTIFY_SOCKET. */
static int listen_abstract(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)snprintf(name, sizeof name, "@sealpost-test-notify-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static void a_message_arrives_as_one_datagram(void **state)
{
    char got[MESSAGE_BYTES] = "";
    int fd = listen_abstract();
    struct notify *notify = notify_create();

    (void)state;
    assert_non_null(notify);
    assert_true(notify_say(notify, "READY=1\nSTATUS=%d", 7));
    assert_true(recv(fd, got, sizeof got - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(got, "READY=1\nSTATUS=7");
    notify_destroy(notify);
    (void)close(fd);
}

static void what_is_too_long_is_not_sent_in_part(void **state)
{
    char got[MESSAGE_BYTES];
    int fd = listen_abstract();
    struct notify *notify = notify_create();

    (void)state;
    assert_false(notify_say(notify, "STATUS=%600d", 7));
    assert_true(recv(fd, got, sizeof got, MSG_DONTWAIT) < 0);
    notify_destroy(notify);
    (void)close(fd);
}

static void a_manager_that_has_gone_is_told_in_vain(void **state)
{
    int fd = listen_abstract();
    struct notify *notify = notify_create();

    (void)state;
    (void)close(fd);
    assert_false(notify_say(notify, "READY=1"));
    notify_destroy(notify);
}

static void nobody_asks_and_nothing_is_said(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_null(notify_create());
    assert_true(notify_say(NULL, "READY=1"));
    assert_int_equal(notify_watchdog_ms(NULL), 0);
    notify_destroy(NULL);
}

static void what_is_no_address_is_as_if_nobody_asked(void **state)
{
    static const char *const wrong[] = { "", "@", "/", "relative", "vsock:2:1" };
    char longer[2 * sizeof(struct sockaddr_un)];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", wrong[i], 1), 0);
        assert_null(notify_create());
    }
    memset(longer, 'x', sizeof longer);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(setenv("NOTIFY_SOCKET", longer, 1), 0);
    assert_null(notify_create());
}

/* What notify_watchdog_ms says with these variables. */
static int64_t watchdog_with(const char *usec, const char *pid)
{
    int fd = listen_abstract();
    int64_t found = 0;

    assert_int_equal(setenv("WATCHDOG_USEC", usec, 1), 0);
    assert_int_equal(pid == NULL ? unsetenv("WATCHDOG_PID") : setenv("WATCHDOG_PID", pid, 1), 0);
    struct notify *notify = notify_create();
    found = notify_watchdog_ms(notify);
    notify_destroy(notify);
    (void)close(fd);
    return found;
}

static void a_watchdog_counts_when_it_is_for_this_process(void **state)
{
    char own[32];

    (void)state;
    (void)snprintf(own, sizeof own, "%d", (int)getpid());
    assert_int_equal(watchdog_with("30000000", NULL), 30000);
    assert_int_equal(watchdog_with("30000000", own), 30000);
    assert_int_equal(watchdog_with("30000000", "1"), 0);
    assert_int_equal(watchdog_with("-3", own), 0);
    assert_int_equal(watchdog_with("soon", own), 0);
}

static void children_inherit_nothing_of_it(void **state)
{
    (void)state;
    (void)watchdog_with("30000000", "1");
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_as_one_datagram),
        cmocka_unit_test(what_is_too_long_is_not_sent_in_part),
        cmocka_unit_test(a_manager_that_has_gone_is_told_in_vain),
        cmocka_unit_test(nobody_asks_and_nothing_is_said),
        cmocka_unit_test(what_is_no_address_is_as_if_nobody_asked),
        cmocka_unit_test(a_watchdog_counts_when_it_is_for_this_process),
        cmocka_unit_test(children_inherit_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
/* NOLINTEND(concurrency-mt-unsafe) */
