/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/mem.h"
#include "tests/support/unit.h"

static void a_zeroed_block_is_zero(void **state)
{
    uint8_t *block = mem_zeroed(100, 3);

    (void)state;
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(block[i], 0);
    }
    free(block);
}

static void a_block_of_nothing_can_be_freed(void **state)
{
    void *zeroed = mem_zeroed(0, 0);
    void *raw = mem_raw(0);

    (void)state;
    assert_non_null(zeroed);
    assert_non_null(raw);
    free(zeroed);
    free(raw);
}

static void resizing_keeps_what_was_there(void **state)
{
    char *block = mem_raw(4);

    (void)state;
    memcpy(block, "abc", 4);
    block = mem_resized(block, 5000);
    assert_string_equal(block, "abc");
    memset(block + 4, 'x', 4996);
    block = mem_resized(block, 2);
    assert_memory_equal(block, "ab", 2);
    free(block);
}

static void a_text_is_copied_with_its_end(void **state)
{
    static const char text[] = "text";
    char *copy = mem_text(text);
    char *part = mem_text_of("ab\0cd", 4);
    char *none = mem_text_of(NULL, 0);

    (void)state;
    assert_ptr_not_equal(copy, text);
    assert_string_equal(copy, "text");
    assert_memory_equal(part, "ab\0c", 5);
    assert_string_equal(none, "");
    free(copy);
    free(part);
    free(none);
}

static void wiping_leaves_zeros_and_no_more(void **state)
{
    uint8_t secret[] = { 1, 2, 3, 4, 5 };

    (void)state;
    mem_wipe(secret + 1, 3);
    assert_memory_equal(secret, "\1\0\0\0\5", 5);
    mem_wipe(secret, 0);
    mem_wipe(NULL, 0);
    assert_int_equal(secret[0], 1);
}

/* Run fn in a child and return its wait status; what it says goes nowhere. */
static int status_of(void (*fn)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void break_a_check(void)
{
    CHECK(1 + 1 == 3);
}

static void keep_a_check(void)
{
    CHECK(1 + 1 == 2);
}

static void a_failed_check_ends_the_process(void **state)
{
    int broken = status_of(break_a_check);
    int kept = status_of(keep_a_check);

    (void)state;
    assert_true(WIFSIGNALED(broken) && WTERMSIG(broken) == SIGABRT);
    assert_true(WIFEXITED(kept) && WEXITSTATUS(kept) == 0);
}

/* The next block of that size is the one that was given to release, with what is left in it. */
static bool shows_again(void (*release)(void *block))
{
    enum {
        SIZE = 200,
        LINKS = 32 /* the allocator's own, at the start of a freed block */
    };
    void *block = mem_raw(SIZE);
    volatile uint8_t *bytes = block; /* so that the compiler drops no write */
    size_t seen = 0;

    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = 0xc3;
    }
    release(block);
    block = mem_raw(SIZE);
    bytes = block;
    for (size_t i = LINKS; i < SIZE; i++) {
        seen += bytes[i] == 0xc3 ? 1 : 0;
    }
    free(block);
    return seen > 0;
}

static void move(void *block)
{
    free(mem_resized_wiped(block, 100000));
}

static void what_is_freed_or_moved_is_wiped(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(SEALPOST_SANITIZED)
    skip();
#endif
    if (getenv("SEALPOST_UNDER_VALGRIND") != NULL || /* NOLINT(concurrency-mt-unsafe): no thread */
        !shows_again(free)) {
        skip(); /* an allocator that shows nothing anyway */
    }
    assert_false(shows_again(mem_free_wiped));
    assert_false(shows_again(move));
}

static void what_is_free_in_the_heap_is_counted_and_given_back(void **state)
{
    enum {
        BLOCKS = 1000,
        SIZE = 20000
    };
    static void *blocks[BLOCKS];
    size_t before = mem_free_bytes();
    size_t after = 0;

    (void)state;
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = mem_zeroed(1, SIZE);
    }
    void *last = mem_zeroed(1, SIZE); /* so that they are holes and no end */
    for (int i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    after = mem_free_bytes();
    mem_give_back();
    free(last);
#if defined(__SANITIZE_ADDRESS__) || defined(SEALPOST_SANITIZED)
    skip(); /* their allocators do not tell */
#endif
    if (getenv("SEALPOST_UNDER_VALGRIND") != NULL) { /* NOLINT(concurrency-mt-unsafe): no thread */
        skip();
    }
    assert_true(after >= before + (size_t)BLOCKS * SIZE);
}

static void a_block_that_is_moved_keeps_what_was_in_it(void **state)
{
    char *text = mem_text("secret");

    (void)state;
    text = mem_resized_wiped(text, 1000);
    assert_string_equal(text, "secret");
    text = mem_resized_wiped(text, 3);
    assert_memory_equal(text, "sec", 3);
    mem_free_wiped(text);
    mem_free_wiped(mem_resized_wiped(NULL, 0));
    mem_free_wiped(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_block_is_zero),
        cmocka_unit_test(a_block_of_nothing_can_be_freed),
        cmocka_unit_test(resizing_keeps_what_was_there),
        cmocka_unit_test(a_text_is_copied_with_its_end),
        cmocka_unit_test(wiping_leaves_zeros_and_no_more),
        cmocka_unit_test(a_failed_check_ends_the_process),
        cmocka_unit_test(what_is_freed_or_moved_is_wiped),
        cmocka_unit_test(what_is_free_in_the_heap_is_counted_and_given_back),
        cmocka_unit_test(a_block_that_is_moved_keeps_what_was_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
