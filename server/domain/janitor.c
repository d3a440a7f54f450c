/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A round walks through the duties below, one batch at a time; a duty whose
 * batch was full is done again at once.  What walks over whole tables is done
 * once an hour.  The first three duties alone make a short round: a gap should follow
 * soon when an envelope is no longer shown, what was held be done when it was said, and devices
 * hear soon that a link is over.
 */
#include "server/domain/janitor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/mem.h"
#include "server/domain/account_log.h"
#include "server/domain/accounts.h"
#include "server/domain/awake.h"
#include "server/domain/challenges.h"
#include "server/domain/changes.h"
#include "server/domain/domain.h"
#include "server/domain/factors.h"
#include "server/domain/grants.h"
#include "server/domain/handles.h"
#include "server/domain/holds.h"
#include "server/domain/idle.h"
#include "server/domain/keys.h"
#include "server/domain/keys_census.h"
#include "server/domain/links.h"
#include "server/domain/losses.h"
#include "server/domain/mls_groups.h"
#include "server/domain/recoveries.h"
#include "server/domain/sessions.h"
#include "server/domain/txns.h"
#include "server/domain/welcomes.h"

enum {
    HOUR_MS = 3600000,
};

struct janitor {
    struct domain *domain;
    bool running;
    size_t duty;
    size_t duty_end; /* of this round */
    int64_t now_ms;
    int64_t hourly_ms; /* when the last round of all duties began */
    int64_t cursor;
};

static void janitor_step(struct janitor *janitor);

static void duty_done(struct janitor *janitor, bool more)
{
    janitor->duty += more ? 0 : 1;
    janitor_step(janitor);
}

static void on_losses(void *arg, bool more)
{
    duty_done(arg, more);
}

static void on_purged(void *arg, size_t row_count)
{
    duty_done(arg, row_count >= DOMAIN_PURGE_ROWS);
}

static void on_touched(void *arg, size_t row_count)
{
    duty_done(arg, row_count >= IDLE_BATCH);
}

static void expire_own(struct janitor *janitor)
{
    losses_expire_own(janitor->domain, janitor->now_ms, on_losses, janitor);
}

static void expire_oldest(struct janitor *janitor)
{
    losses_expire_oldest(janitor->domain, &janitor->cursor, janitor->now_ms, on_losses, janitor);
}

static void purge_sessions(struct janitor *janitor)
{
    sessions_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_challenges(struct janitor *janitor)
{
    challenges_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_changes(struct janitor *janitor)
{
    changes_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_handles(struct janitor *janitor)
{
    handles_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_expired_keys(struct janitor *janitor)
{
    keys_purge_expired(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_spent_keys(struct janitor *janitor)
{
    keys_purge_spent(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_references(struct janitor *janitor)
{
    welcomes_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_groups(struct janitor *janitor)
{
    mls_groups_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_txns(struct janitor *janitor)
{
    txns_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_txn_challenges(struct janitor *janitor)
{
    txns_purge_challenges(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_guesses(struct janitor *janitor)
{
    txns_purge_guesses(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_grants(struct janitor *janitor)
{
    grants_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_factors(struct janitor *janitor)
{
    factors_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_account_log(struct janitor *janitor)
{
    account_log_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_recoveries(struct janitor *janitor)
{
    recoveries_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void expire_links(struct janitor *janitor)
{
    links_expire(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_links(struct janitor *janitor)
{
    links_purge(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void purge_link_prompts(struct janitor *janitor)
{
    links_purge_prompts(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void count_key_pools(struct janitor *janitor)
{
    keys_census_run(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static void do_held(struct janitor *janitor)
{
    holds_run(janitor->domain, janitor->now_ms, awake_since_ms(janitor->domain, janitor->now_ms),
              on_touched, janitor);
}

static void idle_devices(struct janitor *janitor)
{
    idle_run(janitor->domain, janitor->now_ms, on_touched, janitor);
}

static void idle_accounts(struct janitor *janitor)
{
    accounts_erase_idle(janitor->domain, janitor->now_ms, on_purged, janitor);
}

static const struct duty {
    void (*run)(struct janitor *janitor);
    bool hourly;
} duties[] = {
    { expire_own, false },           { do_held, false },          { expire_links, false },
    { expire_oldest, false },        { purge_sessions, false },   { purge_challenges, false },
    { purge_expired_keys, false },   { purge_changes, true },     { purge_spent_keys, true },
    { idle_devices, true },          { idle_accounts, true },     { purge_handles, true },
    { purge_groups, true },          { purge_references, true },  { purge_txns, false },
    { purge_txn_challenges, false }, { purge_grants, false },     { purge_guesses, true },
    { purge_factors, true },         { purge_account_log, true }, { purge_recoveries, true },
    { count_key_pools, true },       { purge_links, false },      { purge_link_prompts, false },
};

enum {
    DUTY_COUNT = sizeof duties / sizeof duties[0],
    DUTIES_SHORT = 3
};

/* A clock that was ahead and is set right would else put off what is hourly until then. */
static bool hour_is_over(const struct janitor *janitor)
{
    return janitor->now_ms >= janitor->hourly_ms + HOUR_MS || janitor->now_ms < janitor->hourly_ms;
}

static void janitor_step(struct janitor *janitor)
{
    bool hourly = hour_is_over(janitor);

    while (janitor->duty < janitor->duty_end && duties[janitor->duty].hourly && !hourly) {
        janitor->duty++;
    }
    if (janitor->duty < janitor->duty_end) {
        duties[janitor->duty].run(janitor);
        return;
    }
    janitor->running = false;
    if (hourly && janitor->duty_end == DUTY_COUNT) {
        janitor->hourly_ms = janitor->now_ms;
    }
}

struct janitor *janitor_create(struct domain *domain)
{
    struct janitor *janitor = mem_zeroed(1, sizeof *janitor);

    janitor->domain = domain;
    return janitor;
}

void janitor_destroy(struct janitor *janitor)
{
    free(janitor);
}

static void janitor_begin(struct janitor *janitor, int64_t now_ms, size_t duty_end)
{
    awake_call(janitor->domain, now_ms); /* also while a round is under way */
    if (janitor->running) {              /* a short round under way becomes a whole one */
        janitor->duty_end = duty_end > janitor->duty_end ? duty_end : janitor->duty_end;
        return;
    }
    janitor->running = true;
    janitor->duty = 0;
    janitor->duty_end = duty_end;
    janitor->now_ms = now_ms;
    janitor_step(janitor);
}

void janitor_run(struct janitor *janitor, int64_t now_ms)
{
    janitor_begin(janitor, now_ms, DUTY_COUNT);
}

void janitor_expire(struct janitor *janitor, int64_t now_ms)
{
    janitor_begin(janitor, now_ms, DUTIES_SHORT);
}
