// SPDX-License-Identifier: Apache-2.0
// The mailbox over HTTP, as push handlers use it.
import assert from 'node:assert/strict';
import { b64u, ciphertext, fromB64u } from './support/bytes.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';

async function fill(from, to, count, size) {
  const stream = await from.open();
  const results = await Promise.all(Array.from({ length: count }, () => stream.send([to], {
    body: ciphertext(size),
  })));
  results.forEach((result) => assert.equal(result.status, 201));
  stream.drop();
}

const seqs = (page) => page.envelopes.map((item) => item.seq);

suite('reading the mailbox', {}, (it) => {
  it('is empty at first', async (relay) => {
    const { first } = await relay.account();
    assert.deepEqual(await first.mailbox(), { envelopes: [], more: false });
  });

  it('gives items in rising order and deletes nothing', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 5);
    const once = await b.mailbox();
    const rising = [...seqs(once)].sort((x, y) => x - y);
    assert.deepEqual(seqs(once), rising);
    assert.equal(new Set(rising).size, 5);
    assert.deepEqual(seqs(await b.mailbox()), rising);
  });

  it('says from the second time on that it may have been sent before', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 2);
    assert.deepEqual((await b.mailbox()).envelopes.map((each) => each.redelivered), [false, false]);
    assert.deepEqual((await b.mailbox()).envelopes.map((each) => each.redelivered), [true, true]);
  });

  it('comes in pages', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 150);
    const all = [];
    let after = 0;
    for (let more = true; more;) {
      const page = await b.mailbox(`?after=${after}&limit=60`);
      all.push(...seqs(page));
      after = all.at(-1);
      more = page.more;
      assert.ok(all.length <= 150);
    }
    assert.equal(new Set(all).size, 150);
    const usual = await b.mailbox();
    assert.deepEqual([usual.envelopes.length, usual.more], [100, true]);
    assert.equal((await b.mailbox('?limit=1000')).envelopes.length, 150);
    assert.deepEqual(await b.mailbox(`?after=${after}`), { envelopes: [], more: false });
  });

  it('keeps to max_bytes but gives at least one', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 4, 10_000);
    const cases = {
      1: 1, 10_000: 1, 19_999: 1, 20_000: 2, 25_000: 2, 39_999: 3, 40_000: 4, 9_000_000: 4,
    };
    for (const [maxBytes, count] of Object.entries(cases)) {
      const page = await b.mailbox(`?max_bytes=${maxBytes}`);
      assert.deepEqual([page.envelopes.length, page.more], [count, count < 4], maxBytes);
    }
  });

  it('keeps to max_bytes over many small items, too', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 150, 100);
    const page = await b.mailbox('?limit=1000&max_bytes=13599');
    assert.deepEqual([page.envelopes.length, page.more], [135, true]);
  });

  it('refuses parameters out of range, unknown, doubled or no numbers', async (relay) => {
    const { first } = await relay.account();
    const bad = {
      'limit=0': 'limit', 'limit=1001': 'limit', 'limit=x': 'limit', 'after=-1': 'after',
      'max_bytes=0': 'max_bytes', 'after=': 'after', 'limit=%31': 'limit', 'befor=1': 'befor',
    };
    for (const [query, member] of Object.entries(bad)) {
      const answer = await first.call('GET', `/v1/mailbox?${query}`);
      assert.ok([400, 422].includes(answer.status), `${query}: ${answer.status}`);
      assert.equal(answer.json.member, member);
    }
    assertProblem(await first.call('GET', '/v1/mailbox?limit=1&limit=2'), 400, 'malformed');
    const huge = '9'.repeat(30);
    assertProblem(await first.call('GET', `/v1/mailbox?limit=${huge}`), 422, 'value_invalid',
      { member: 'limit' });
    assertStatus(await first.call('GET', `/v1/mailbox?after=${huge}&max_bytes=${huge}`), 200);
  });
});

suite('acknowledging over HTTP', {}, (it) => {
  it('deletes what is named and tells how many', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 4);
    const [one, two, three, four] = seqs(await b.mailbox());
    const answer = await b.ack([three, one]);
    assertStatus(answer, 200);
    assert.equal(answer.json.acknowledged, 2);
    assert.deepEqual(seqs(await b.mailbox()), [two, four]);
    assert.equal((await b.ack([one, three])).json.acknowledged, 0);
    assert.equal((await b.ack([two, two])).json.acknowledged, 1);
  });

  it('deletes everything up to a seq', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 5);
    const all = seqs(await b.mailbox());
    const answer = await b.call('POST', '/v1/mailbox/ack', { json: { up_to: all[2] } });
    assertStatus(answer, 200);
    assert.equal(answer.json.acknowledged, 3);
    assert.deepEqual(seqs(await b.mailbox()), all.slice(3));
  });

  it('is harmless for unknown and for foreign seqs', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 2);
    const foreign = seqs(await b.mailbox());
    assert.equal((await a.ack([...foreign, 2 ** 53 - 1])).json.acknowledged, 0);
    const rest = { json: { up_to: 2 ** 53 - 1 } };
    assert.equal((await a.call('POST', '/v1/mailbox/ack', rest)).json.acknowledged, 0);
    assert.deepEqual(seqs(await b.mailbox()), foreign);
  });

  it('takes 1 to 1000 seqs, and either form', async (relay) => {
    const { first } = await relay.account();
    const some = Array.from({ length: 1000 }, (_, i) => i + 1);
    assertStatus(await first.ack(some), 200);
    assertProblem(await first.ack([...some, 1001]), 422, 'value_invalid', { member: 'seqs' });
    assertProblem(await first.ack([]), 422, 'value_invalid', { member: 'seqs' });
    assertProblem(await first.ack([1, -1]), 422, 'value_invalid', { member: 'seqs' });
    const bad = [
      {}, { seqs: 1 }, { seqs: ['1'] }, { seqs: [1.5] }, { up_to: '1' },
      { seqs: [1], up_to: 1 },
    ];
    for (const json of bad) {
      assertProblem(await first.call('POST', '/v1/mailbox/ack', { json }), 400, 'malformed');
    }
  });
});

scene('what was acknowledged stays so after a crash', {}, async (relay) => {
  const { a, b } = await relay.pair();
  await fill(a, b, 30);
  const all = seqs(await b.mailbox());
  assertStatus(await b.ack(all.slice(0, 20)), 200);
  await relay.kill();
  await relay.up();
  assert.deepEqual(seqs(await b.mailbox()), all.slice(20));
});

scene('seqs never go down, also over crashes', {}, async (relay) => {
  const { a, b } = await relay.pair();
  let last = 0;
  for (let round = 0; round < 3; round++) {
    const bodies = [ciphertext(), ciphertext()];
    for (const body of bodies) {
      assertStatus(await a.send([b], { body }), 201);
    }
    const { envelopes } = await b.mailbox();
    assert.ok(envelopes[0].seq > last);
    last = envelopes[1].seq;
    assert.deepEqual(envelopes.map((each) => each.body), bodies.map(b64u));
    assertStatus(await b.ack(seqs({ envelopes })), 200);
    await relay.kill();
    await relay.up();
  }
  assert.ok(last >= 2 ** 28, 'each start raises the next seq');
  assert.ok(fromB64u(b.pubText).equals(b.pub));
});
