// SPDX-License-Identifier: Apache-2.0
/*
 * PostgreSQL goes away under a relay that is at work: senders are answered 201 or
 * 503 unavailable, soon; what was answered 201 is there; what was acknowledged
 * does not come again; and a moment after the server is back so is the relay.
 *
 * SEALPOST_OUTAGE_SECONDS: how long it goes on (4).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { Outage } from '../crash/outage.mjs';
import { Random } from '../crash/random.mjs';
import { isThere as hasBouncer, knowsPrepared, PgBouncer } from './support/pgbouncer.mjs';
import { isAlive, PostgresServer } from './support/postgres_server.mjs';
import { Relay } from './support/relay.mjs';
import { assertStatus } from './support/scene.mjs';

const SECONDS = Number(process.env.SEALPOST_OUTAGE_SECONDS ?? 4);
const LONG = SECONDS > 4 ? {} : { skip: 'only in tests/run slow' };
const TIMEOUT_MS = 120_000 + SECONDS * 1000;
const RECOVERY_MS = 3000;
const ANSWER_MS = 12_000;
const STALL_MS = Number(process.env.SEALPOST_OUTAGE_STALL_MS ?? 1000); // a machine that builds beside us is no stall
const IS_MEASURED = process.env.SEALPOST_OUTAGE_STALL_MS !== undefined; // in slow, without sanitizers, which take their time
const STILL_MS = 14_000; // more than the relay waits for an answer
const LOCKED_MS = 7000; // and for a lock
const SEED = process.env.SEALPOST_OUTAGE_SEED ?? String(Date.now());

async function begin(t, set) {
  const outage = await Outage.begin(set, { seed: SEED });
  t.after(() => outage.remove());
  t.diagnostic(`seed ${SEED}`);
  return outage;
}

async function open(t, options) {
  const server = await PostgresServer.open(options);
  t.after(() => server.close());
  const outage = await begin(t, { storage: server.url });
  return { server, outage, random: new Random(SEED) };
}

// What every outage ends with.
async function judge(t, outage, recoveries = []) {
  const faults = await outage.end();
  const slowest = Math.max(0, ...recoveries);
  t.diagnostic(JSON.stringify({ ...outage.counts, recoveries: recoveries.length, recovery: slowest }));
  assert.deepEqual(faults.slice(0, 10), []);
  assert.equal((await outage.ready()).status, 200);
  assert.ok(slowest < RECOVERY_MS, `the first send was stored ${slowest} ms after the server was back`);
  assert.ok(outage.counts.readable < RECOVERY_MS, `mail was read ${outage.counts.readable} ms later`);
  assert.ok(outage.counts.slowest < ANSWER_MS, `an answer took ${outage.counts.slowest} ms`);
  const { slowest: stall } = outage.counts.health;
  assert.ok(stall < STALL_MS, `/healthz took ${stall} ms`);
  assert.ok(!IS_MEASURED || outage.counts.longTurns === 0, `${outage.counts.longTurns} turns of the loop took more than 50 ms`);
  assert.equal(await outage.stop(), 0);
}

function ask(name, options, body) {
  test(name, { timeout: TIMEOUT_MS, skip: options.skip }, body);
}

// Call body until the time is over.
async function again(body) {
  const until = performance.now() + SECONDS * 1000;
  for (let round = 0; performance.now() < until; round++) {
    await body(round);
  }
}

ask('a server that stops, crashes and is killed loses nothing that was answered', {}, async (t) => {
  const { server, outage, random } = await open(t);
  const ends = [() => server.stop('SIGINT'), () => server.stop('SIGQUIT'), () => server.kill()];
  const recoveries = [];
  outage.load();
  await again(async (round) => {
    await outage.stored();
    await after(random.within(0, 700));
    await ends[round % ends.length]();
    const { status, text } = await outage.ready();
    assert.equal(status, 503);
    assert.match(text, /database cannot be reached/);
    await after(round % 2 === 1 ? 0 : random.within(1200, 3000)); // a moment, or longer than sends wait for
    await server.start();
    recoveries.push(await outage.stored());
  });
  assert.ok(outage.counts.unavailable > 0, 'nobody noticed');
  await judge(t, outage, recoveries);
});

ask('a process of the server that stands still with its locks is given up, and nobody waits for it', LONG, async (t) => {
  const { server, outage } = await open(t);
  outage.load();
  await outage.stored();
  const { session, pid } = await server.holdWriter();
  t.after(() => isAlive(pid) && process.kill(pid, 'SIGCONT'));
  process.kill(pid, 'SIGSTOP');
  await session.end();
  await after(STILL_MS);
  process.kill(pid, 'SIGCONT');
  const recovery = await outage.stored();
  assert.ok(outage.counts.slowest > 1000, 'nobody noticed');
  await judge(t, outage, [recovery]);
});

ask('a lock that somebody holds for long is not waited for', LONG, async (t) => {
  const { server, outage } = await open(t);
  outage.load();
  await outage.stored();
  const { session } = await server.holdWriter();
  await after(LOCKED_MS);
  await session.end();
  const recovery = await outage.stored();
  assert.ok(outage.counts.unavailable > 0, 'nobody noticed');
  await judge(t, outage, [recovery]);
});

ask('a machine that stood still does not give its database up', {}, async (t) => {
  const server = await PostgresServer.open();
  t.after(() => server.close());
  const relay = await Relay.start(t, { clock: true, set: { storage: server.url } });
  const { a, b } = await relay.pair();
  const session = await server.lockWrites();
  const sent = a.send([b]);
  await server.whoWaits(session);
  relay.clock.advance(30);
  assertStatus(await relay.call('GET', '/v1/server'), 200); // the daemon has looked at its clock
  await session.end();
  assertStatus(await sent, 201);
  assert.deepEqual(relay.daemon.lines.filter(({ fields }) => fields.event === 'store.lost'), []);
});

ask('sessions of the server that are ended at any moment harm nobody', {}, async (t) => {
  const { server, outage, random } = await open(t);
  outage.load();
  await again(async () => {
    await outage.stored();
    await after(random.within(0, 200));
    await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'sealpost' AND random() < 0.4`);
  });
  await judge(t, outage, [await outage.stored()]);
});

// Both ends of the pooler go away in turn.
async function behindBouncer(t, settings, set, apart = false) {
  const server = await PostgresServer.open();
  t.after(() => server.close());
  const bouncer = await PgBouncer.open(server, settings);
  t.after(() => bouncer.close());
  const listen = apart ? { postgres_listen_url: server.url } : {};
  const outage = await begin(t, { storage: bouncer.url, ...listen, ...set });
  const random = new Random(SEED);
  const recoveries = [];
  outage.load();
  await again(async (round) => {
    await outage.stored();
    await after(random.within(0, 700));
    const end = round % 2 === 0 ? server : bouncer;
    await end.stop();
    await after(random.within(0, 1500));
    await end.start();
    recoveries.push(await outage.stored());
  });
  assert.equal(outage.place.process.said('store.pooled'), apart ? 0 : 1, 'said once, not each time');
  assert.ok(outage.place.process.said('store.lost') <= 8 * (recoveries.length + 1), 'no connection is given up for its silence');
  await judge(t, outage, recoveries);
}

const BOUNCER = { skip: !hasBouncer && 'pgbouncer is not installed' };

ask('behind a pooler that shares connections nothing is lost', BOUNCER, async (t) => {
  await behindBouncer(t, {}, { postgres_prepared: 'no' });
});

ask('nor where the news come past the pooler', BOUNCER, async (t) => {
  await behindBouncer(t, {}, { postgres_prepared: 'no' }, true);
});

const PREPARING = { skip: !(hasBouncer && knowsPrepared()) && 'this pgbouncer knows no prepared statements' };

ask('nor behind one that knows prepared statements', PREPARING, async (t) => {
  await behindBouncer(t, { max_prepared_statements: 200 }, { postgres_prepared: 'yes' });
});

const CONFLICTS = `
  CREATE SEQUENCE raised;
  CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF random() < 0.02 THEN
      PERFORM nextval('raised');
      RAISE EXCEPTION 'met another transaction'
        USING ERRCODE = CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END;
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER at_once BEFORE INSERT ON envelopes FOR EACH ROW EXECUTE FUNCTION conflict();
  CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON envelopes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION conflict();`;

ask('transactions that meet others run again', {}, async (t) => {
  const { server, outage } = await open(t);
  await server.query(CONFLICTS);
  outage.load();
  await after(SECONDS * 500);
  const recovery = await outage.stored();
  const [raised] = await server.query('SELECT last_value FROM raised WHERE is_called');
  assert.ok(Number(raised) > 0, 'none met another');
  t.diagnostic(`${raised} conflicts`);
  await judge(t, outage, [recovery]);
});

// Two locks, and whoever writes takes them in another order than we do.
const DEADLOCK = `
  CREATE FUNCTION lock_both() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_advisory_xact_lock(1);
    PERFORM pg_advisory_xact_lock(2);
    RETURN NEW;
  END $$;
  CREATE TRIGGER lock_both BEFORE INSERT ON envelopes FOR EACH ROW EXECUTE FUNCTION lock_both();`;

const LOCK_CROSSWISE = `
  BEGIN;
  SET LOCAL deadlock_timeout = '20s'; -- who looks first is the one who gives way
  SELECT pg_advisory_xact_lock(2);
  DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory') LOOP
      PERFORM pg_sleep(0.002);
    END LOOP;
  END $$;
  SELECT pg_advisory_xact_lock(1);
  COMMIT;`;

ask('a deadlock is undone and what it undid runs again', {}, async (t) => {
  const { server, outage } = await open(t, { settings: { deadlock_timeout: '500ms' } });
  await server.query(DEADLOCK);
  const session = server.session();
  t.after(() => session.end());
  outage.load();
  await again(async () => {
    await outage.stored();
    await session.ask(LOCK_CROSSWISE);
  });
  const recovery = await outage.stored();
  await session.ask("SELECT pg_stat_force_next_flush()");
  const count = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'relay'";
  const [deadlocks] = await server.query(count);
  t.diagnostic(`${deadlocks} deadlocks`);
  await judge(t, outage, [recovery]);
  assert.ok(Number(deadlocks) > 0, 'there was none');
});
