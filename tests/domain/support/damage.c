/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/damage.h"

#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/temp_store.h"

struct damage_texts {
    const char *sqlite;
    const char *postgres;
};

#define BROKEN(verb, table)                                                                  \
    {                                                                                        \
        "CREATE TRIGGER broken BEFORE " verb " ON " table                                    \
        " BEGIN SELECT RAISE(ABORT, 'broken'); END",                                         \
            "DO 'BEGIN CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN" \
            " RAISE EXCEPTION USING ERRCODE = ''''23000''''; END'';"                         \
            " CREATE TRIGGER broken BEFORE " verb " ON " table                               \
            " FOR EACH ROW EXECUTE FUNCTION broken(); END'"                                  \
    }
#define KEPT(which)                                                                               \
    {                                                                                             \
        "CREATE TRIGGER broken BEFORE DELETE ON envelopes"                                        \
        " WHEN old.seq = (SELECT " which "(seq) FROM envelopes) BEGIN SELECT RAISE(IGNORE); END", \
            "DO 'BEGIN CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN"      \
            " IF old.seq = (SELECT " which "(seq) FROM envelopes) THEN RETURN NULL; END IF;"      \
            " RETURN old; END''; CREATE TRIGGER broken BEFORE DELETE ON envelopes"                \
            " FOR EACH ROW EXECUTE FUNCTION broken(); END'"                                       \
    }

static const struct damage_texts texts[] = {
    [DAMAGE_INSERT_DEVICES] = BROKEN("INSERT", "devices"),
    [DAMAGE_INSERT_SESSIONS] = BROKEN("INSERT", "sessions"),
    [DAMAGE_DELETE_SESSIONS] = BROKEN("DELETE", "sessions"),
    [DAMAGE_DELETE_MANIFESTS] = BROKEN("DELETE", "manifests"),
    [DAMAGE_INSERT_GUESSES] = BROKEN("INSERT", "guesses"),
    [DAMAGE_INSERT_GRANTS] = BROKEN("INSERT", "grants"),
    [DAMAGE_DELETE_GRANTS] = BROKEN("DELETE", "grants"),
    [DAMAGE_INSERT_ACCOUNT_LOG] = BROKEN("INSERT", "account_log"),
    [DAMAGE_INSERT_RECOVERIES] = BROKEN("INSERT", "recoveries"),
    [DAMAGE_KEEP_NEWEST] = KEPT("max"),
    [DAMAGE_KEEP_OLDEST] = KEPT("min"),
};

void damage_run(struct temp_domain *temp, const char *sqlite, const char *postgres)
{
    scene_run(temp, temp_store_is_shared() ? postgres : sqlite);
}

void damage_break(struct temp_domain *temp, enum damage damage)
{
    damage_run(temp, texts[damage].sqlite, texts[damage].postgres);
}

void damage_mend(struct temp_domain *temp)
{
    damage_run(temp, "DROP TRIGGER broken", "DROP FUNCTION broken() CASCADE");
}
