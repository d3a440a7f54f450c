// SPDX-License-Identifier: Apache-2.0
// Two daemons on one database: a link whose sides are at one each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasServer } from './support/database.mjs';
import { NewDevice, OldDevice } from './support/links.mjs';
import { assertProblem, assertStatus, ok } from './support/scene.mjs';
import { TwoRelays, through } from './support/two_relays.mjs';

const TIMEOUT_MS = 180_000;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';

function scene(name, body) {
  test(name, { timeout: TIMEOUT_MS, skip }, async (t) => body(await TwoRelays.start(t)));
}

scene('the sides of a link hear each other at either', async ({ a, b }) => {
  const account = await a.account();
  const stream = await through(b, account.first).open();
  const comer = await new NewDevice(b).link({ account_id: account.idText, name: 'phone' });
  assert.equal((await stream.event('link.requested')).name, 'phone');
  await comer.commit();
  const old = new OldDevice(account.first, comer.id); // at a
  const [shown, wanted] = await Promise.all([comer.digits(), old.digits()]);
  assert.equal(shown, wanted);
  const waiting = comer.until('candidate');
  await b.metricReaches('link_waits', 1);
  const candidate = old.candidate();
  ok(await old.put(candidate));
  const done = old.wait();
  await a.metricReaches('link_waits', 1);
  ok(await comer.sign(await waiting));
  assert.equal((await done).state, 'done');
  assert.equal((await stream.event('link.approved')).link_id, comer.id);
  const device = comer.deviceOf(account, candidate.epoch);
  old.follow(candidate, device);
  await through(b, device).login();
});

scene('prompts at both are counted together, and of two claims one is', async ({ a, b }) => {
  const account = await a.account();
  const links = [];
  for (const relay of [a, b, a]) {
    links.push(await new NewDevice(relay).link({ account_id: account.idText }));
  }
  for (const relay of [a, b]) {
    assertProblem(await new NewDevice(relay).begin({ account_id: account.idText }), 429, 'rate_limited');
  }
  for (const { id } of links) {
    const sides = [account.first, through(b, account.first)]
      .map((device) => Object.assign(new OldDevice(device, id), { version: 1 }));
    const answers = await Promise.all(sides.map((side) => side.step('/claim')));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
  }
});

scene('of an approval at one and a denial at the other one holds', async ({ a, b }) => {
  const account = await a.account();
  let epoch = 0;
  for (let round = 0; round < 4; round++) {
    const comer = await new NewDevice(b).link();
    const old = new OldDevice(account.first, comer.id);
    await old.scan(comer.uri);
    await old.claim();
    const candidate = old.candidate();
    ok(await old.put(candidate));
    const view = await comer.until('candidate');
    const [signed, denied] = await Promise.all([comer.sign(view), old.deny()]);
    const is = (await old.read()).state;
    assert.equal(is, signed.status === 200 ? 'done' : 'denied');
    assertStatus(denied, signed.status === 200 ? 409 : 200);
    if (is === 'done') {
      epoch++;
      old.follow(candidate, comer.deviceOf(account, candidate.epoch));
    } else {
      assertProblem(signed, 409, 'link_conflict', { state: 'denied' });
    }
    assert.equal((await account.read(account.first)).json.epoch, epoch);
  }
});
