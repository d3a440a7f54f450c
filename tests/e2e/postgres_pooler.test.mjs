// SPDX-License-Identifier: Apache-2.0
/*
 * A pooler gives the server's connection to somebody else as soon as all that it
 * has seen is answered, also when it has seen the first half of what comes next.  So
 * nothing may be sent behind a transaction that is not answered.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ciphertext, envelopeId } from './support/bytes.mjs';
import { Database } from './support/database.mjs';
import { PgWatch } from './support/pg_watch.mjs';
import { Relay } from './support/relay.mjs';
import { assertStatus } from './support/scene.mjs';

const ROUNDS = 20;
const AT_ONCE = 30;
// Now and then a transaction meets another one, and is rolled back.
const CONFLICTS = `
  CREATE SEQUENCE rows;
  CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF nextval('rows') % 97 = 0 THEN RAISE EXCEPTION 'met another' USING ERRCODE = '40001'; END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER conflict BEFORE INSERT ON envelopes FOR EACH ROW EXECUTE FUNCTION conflict();`;

async function watched(t, { asPooler, set }) {
  const database = await Database.create();
  const folder = new URL(database.url.replace('postgresql:', 'http:')).searchParams.get('host');
  const watch = await PgWatch.open(folder, { asPooler });
  t.after(() => watch.close());
  const relay = await Relay.start(t, { set: { storage: watch.urlOf(database), ...set } });
  await database.query(CONFLICTS);
  const { a, b } = await relay.pair();
  for (let round = 0; round < ROUNDS; round++) {
    const sends = Array.from({ length: AT_ONCE }, () => a.send([b], { id: envelopeId(), body: ciphertext() }));
    const answers = await Promise.all([...sends, b.mailbox('?limit=10')]);
    answers.slice(0, AT_ONCE).forEach((answer) => assertStatus(answer, 201));
  }
  await relay.stop();
  assert.ok(watch.syncs > 2 * ROUNDS, `${watch.syncs} syncs`);
  return watch.behind;
}

test('to a server it says more before it is answered', async (t) => {
  assert.notEqual(await watched(t, { asPooler: false }), 0);
});

test('to a pooler that says so it does not', async (t) => {
  assert.equal(await watched(t, { asPooler: false, set: { postgres_prepared: 'no' } }), 0);
});

test('nor to one that is known by its process number alone', async (t) => {
  assert.equal(await watched(t, { asPooler: true }), 0);
});
