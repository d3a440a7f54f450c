/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "common/buf.h"
#include "server/config/storage.h"
#include "tests/support/unit.h"

static void expect_shown(const char *storage, const char *shown)
{
    struct buf out = { 0 };

    storage_mask(storage, &out);
    buf_append_u8(&out, 0);
    assert_string_equal((const char *)out.at, shown);
    buf_clear(&out);
}

static void a_password_is_never_shown(void **state)
{
    (void)state;
    expect_shown("postgresql://relay:secret@db:5432/relay", "postgresql://relay:***@db:5432/relay");
    expect_shown("postgresql://relay:a@b:c?d/e@db/relay", "postgresql://relay:***@db/relay");
    expect_shown("postgres://relay@db/x?password=secret&sslmode=require",
                 "postgres://relay@db/x?password=***&sslmode=require");
    expect_shown("postgresql:///x?sslpassword=secret&password=more",
                 "postgresql:///x?sslpassword=***&password=***");
    expect_shown("postgresq://relay:secret@db/x", "postgresq://relay:***@db/x");
}

static void what_holds_no_password_is_shown_as_it_is(void **state)
{
    (void)state;
    expect_shown("sqlite:", "sqlite:");
    expect_shown("sqlite:/srv/a:b@c.db", "sqlite:/srv/a:b@c.db");
    expect_shown("postgresql://db:5432/relay", "postgresql://db:5432/relay");
    expect_shown("postgresql://relay@db/x", "postgresql://relay@db/x");
    expect_shown("postgresql:///relay?host=/run/postgresql",
                 "postgresql:///relay?host=/run/postgresql");
}

static void the_engine_is_known_by_its_scheme(void **state)
{
    (void)state;
    assert_true(storage_is_postgres("postgresql:///relay"));
    assert_true(storage_is_postgres("postgres://db/relay"));
    assert_false(storage_is_postgres("sqlite:/srv/postgresql://"));
    assert_false(storage_is_postgres(""));
    assert_null(storage_fault("postgresql:///relay"));
    assert_non_null(storage_fault("postgresql://"));
    assert_non_null(storage_fault("postgresql:relay"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_never_shown),
        cmocka_unit_test(what_holds_no_password_is_shown_as_it_is),
        cmocka_unit_test(the_engine_is_known_by_its_scheme),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
