/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/domain/invites.h"
#include "server/store/store.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/unit.h"

#define NOW_S (SCENE_NOW_MS / 1000)

static int set_up(void **state)
{
    static struct temp_domain temp;

    temp_domain_open(&temp);
    *state = &temp;
    return 0;
}

static int tear_down(void **state)
{
    temp_domain_close(*state);
    return 0;
}

struct heard_invite {
    bool done;
    char text[INVITE_TEXT_BYTES];
};

static void hear_invite(void *arg, enum invites_result result, const char *text)
{
    struct heard_invite *heard = arg;

    assert_int_equal(result, INVITES_OK);
    heard->done = true;
    memcpy(heard->text, text, strlen(text) + 1);
}

static struct invite_hash create(struct temp_domain *temp, int64_t uses, int64_t expires_at,
                                 const char *note)
{
    const struct invites_terms terms = { .uses = uses,
                                         .expires_at = expires_at,
                                         .note = bytes_text(note) };
    struct heard_invite heard = { 0 };
    struct invite_hash hash = { { 0 } };

    invites_create(&temp->domain, &terms, SCENE_NOW_MS, hear_invite, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    assert_int_equal(strlen(heard.text), 27);
    assert_true(invites_parse(bytes_text(heard.text), &hash));
    return hash;
}

static enum store_status spend(struct temp_domain *temp, const struct invite_hash *hash,
                               int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    invites_spend(batch, hash, now_s);
    return temp_store_run(&temp->temp, &batch, NULL, NULL);
}

struct heard_list {
    bool done;
    size_t count;
    struct invite invites[4];
    char notes[4][INVITE_NOTE_BYTES + 1];
};

static void hear_list(void *arg, enum invites_result result, const struct invite *invites,
                      size_t count)
{
    struct heard_list *heard = arg;

    assert_int_equal(result, INVITES_OK);
    assert_true(count <= 4);
    heard->done = true;
    heard->count = count;
    for (size_t i = 0; i < count; i++) {
        heard->invites[i] = invites[i];
        memcpy(heard->notes[i], invites[i].note.at, invites[i].note.size);
    }
}

static void hear_revoked(void *arg, enum invites_result result)
{
    int *heard = arg;

    *heard = (int)result;
}

static int revoke(struct temp_domain *temp, const uint8_t id[INVITE_ID_BYTES])
{
    struct store_batch *after = store_batch_create();
    int result = -1;

    invites_revoke(&temp->domain, id, hear_revoked, &result);
    /* Batches are answered in order: once this one is, the revocation is too. */
    (void)temp_store_run(&temp->temp, &after, NULL, NULL);
    return result;
}

static void an_invite_is_spent_as_often_as_it_says(void **state)
{
    struct temp_domain *temp = *state;
    struct invite_hash hash = create(temp, 2, NOW_S + 60, "");

    assert_int_equal(spend(temp, &hash, NOW_S), STORE_OK);
    assert_int_equal(spend(temp, &hash, NOW_S), STORE_OK);
    assert_int_equal(spend(temp, &hash, NOW_S), STORE_REFUSED);
}

static void an_invite_ends_at_its_time(void **state)
{
    struct temp_domain *temp = *state;
    struct invite_hash hash = create(temp, 2, NOW_S + 60, "");

    assert_int_equal(spend(temp, &hash, NOW_S + 60), STORE_REFUSED);
    assert_int_equal(spend(temp, &hash, NOW_S + 59), STORE_OK);
}

static void an_unknown_invite_is_not_spent(void **state)
{
    const struct invite_hash hash = { { 1 } };

    assert_int_equal(spend(*state, &hash, NOW_S), STORE_REFUSED);
}

static void texts_that_are_no_invites_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "spi1_",
        "spi1_AAAAAAAAAAAAAAAAAAAAA",
        "spi1_AAAAAAAAAAAAAAAAAAAAAAA",
        "spi1_AAAAAAAAAAAAAAAAAAAAAB",
        "SPI1_AAAAAAAAAAAAAAAAAAAAAA",
        "sp1_AAAAAAAAAAAAAAAAAAAAAA",
        "spi1_AAAAAAAAAAAAAAAAAAAAA=",
    };
    struct invite_hash hash;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(invites_parse(bytes_text(texts[i]), &hash));
    }
    assert_true(invites_parse(bytes_text("spi1_AAAAAAAAAAAAAAAAAAAAAA"), &hash));
}

static void the_list_tells_what_is_left_and_names_each_by_its_hash(void **state)
{
    struct temp_domain *temp = *state;
    struct invite_hash ada = create(temp, 3, NOW_S + 60, "for Ada");
    struct invite_hash bob = create(temp, 1, NOW_S + 90, "for Bob");
    struct heard_list heard = { 0 };

    assert_int_equal(spend(temp, &ada, NOW_S), STORE_OK);
    invites_list(&temp->domain, hear_list, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    assert_int_equal(heard.count, 2);
    assert_memory_equal(heard.invites[0].id, bob.raw, INVITE_ID_BYTES);
    assert_memory_equal(heard.invites[1].id, ada.raw, INVITE_ID_BYTES);
    assert_int_equal(heard.invites[1].uses_left, 2);
    assert_int_equal(heard.invites[1].uses_total, 3);
    assert_int_equal(heard.invites[1].expires_at, NOW_S + 60);
    assert_int_equal(heard.invites[1].created_day, SCENE_DAY);
    assert_string_equal(heard.notes[1], "for Ada");
}

static void a_revoked_invite_is_good_no_more(void **state)
{
    struct temp_domain *temp = *state;
    struct invite_hash ada = create(temp, 3, NOW_S + 60, "");
    struct invite_hash bob = create(temp, 3, NOW_S + 60, "");

    assert_int_equal(revoke(temp, ada.raw), INVITES_OK);
    assert_int_equal(revoke(temp, ada.raw), INVITES_UNKNOWN);
    assert_int_equal(spend(temp, &ada, NOW_S), STORE_REFUSED);
    assert_int_equal(spend(temp, &bob, NOW_S), STORE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_invite_is_spent_as_often_as_it_says),
        TEST(an_invite_ends_at_its_time),
        TEST(an_unknown_invite_is_not_spent),
        TEST(texts_that_are_no_invites_are_refused),
        TEST(the_list_tells_what_is_left_and_names_each_by_its_hash),
        TEST(a_revoked_invite_is_good_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
