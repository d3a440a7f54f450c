// SPDX-License-Identifier: Apache-2.0
/*
 * The oracle sees what it is for: a sound history passes, and each fault that is
 * put into it is named.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Checker } from './checker.mjs';
import { isIntact, makeId, ownBody, readId, sharedBody } from './envelope.mjs';
import { Random } from './random.mjs';

const random = new Random('checker');
const id = (order, writer = 1) => makeId(random, { writer, order, size: 40, shared: false })
  .toString('hex');
const [A, B, C] = [id(1), id(2), id(3)];
const item = (seq, of, intact = true) => ({ seq, id: of, intact });

// Two lives.  A is acked, B waits through the crash, nobody heard of C, which waits too.
const sound = () => [
  { start: 1 },
  { waiting: 0, items: [] },
  { settle: true },
  { send: 1, id: A, mailboxes: [0] },
  { send: 2, id: B, mailboxes: [0] },
  { sent: 1, status: 201 },
  { deliver: 0, ...item(11, A) },
  { sent: 2, status: 201 },
  { ack: 3, mailbox: 0, seqs: [11] },
  { deliver: 0, ...item(12, B) },
  { acked: 3 },
  { send: 4, id: C, mailboxes: [0] },
  { start: 2 },
  { waiting: 0, items: [item(12, B), item(13, C)] },
  { settle: true },
  { send: 5, id: C, mailboxes: [0] },
  { sent: 5, status: 201, duplicates: [0] },
  { send: 6, id: A, mailboxes: [0] },
  { sent: 6, status: 201 },
  { ack: 7, mailbox: 0, seqs: [12, 13] },
  { start: 3 },
  { waiting: 0, items: [item(13, C), item(14, A)] },
  { settle: true },
];

function judge(history) {
  const checker = new Checker();
  history.forEach((record) => checker.add(record));
  return [...new Set(checker.violations.map(({ promise }) => promise))];
}

const at = (history, match) => {
  const found = history.findIndex(match);
  assert.ok(found >= 0, 'the record to change is there');
  return found;
};
const waitingIn = (life, history) => {
  const from = at(history, ({ start }) => start === life);
  return history.slice(from).find(({ waiting }) => waiting === 0);
};

// A fault: how it changes the sound history, and what it must be called.
function fault(name, promise, change) {
  test(name, () => {
    const history = sound();
    change(history);
    assert.ok(judge(history).includes(promise), `was judged ${judge(history)}`);
  });
}

test('a sound history passes', () => assert.deepEqual(judge(sound()), []));

test('an envelope without an answer may be missing', () => {
  const history = sound().slice(0, at(sound(), ({ send }) => send === 5));
  waitingIn(2, history).items.pop();
  assert.deepEqual(judge(history), []);
});

test('an ack without an answer may have been lost, or not', () => {
  for (const left of [[], [12], [12, 13]]) {
    const history = sound();
    const list = waitingIn(3, history);
    list.items = [...left.map((seq) => item(seq, seq === 12 ? B : C)), item(14, A)];
    assert.deepEqual(judge(history), []);
  }
});

fault('an answered envelope that is gone is lost', 'lost', (history) => {
  waitingIn(2, history).items.shift();
});

fault('an answered envelope that was never seen is lost', 'lost', (history) => {
  history.splice(at(history, ({ seq }) => seq === 12), 1);
  history.splice(at(history, ({ ack }) => ack === 7), 1);
  waitingIn(2, history).items.shift();
});

fault('the second copy is lost even though the first was acked', 'lost', (history) => {
  waitingIn(3, history).items.pop();
});

fault('a repeat that was said to wait is lost when nothing does', 'lost', (history) => {
  waitingIn(2, history).items.pop();
  history.splice(at(history, ({ ack }) => ack === 7), 1, { ack: 7, mailbox: 0, seqs: [12] });
  waitingIn(3, history).items.shift();
});

fault('an envelope that was seen and not acked is lost, answered or not', 'lost', (history) => {
  history.splice(at(history, ({ ack }) => ack === 7), 1, { ack: 7, mailbox: 0, seqs: [12] });
  waitingIn(3, history).items.shift();
});

fault('an acked seq that waits again is returned', 'returned', (history) => {
  waitingIn(2, history).items.unshift(item(11, A));
});

fault('an acked seq that is delivered again is returned', 'returned', (history) => {
  history.splice(at(history, ({ send }) => send === 4), 0, { deliver: 0, ...item(11, A) });
});

fault('two copies that wait are twice', 'twice', (history) => {
  waitingIn(2, history).items.push(item(15, B));
});

fault('a repeat while the first copy waits stores nothing', 'copies', (history) => {
  const repeat = [{ send: 8, id: B, mailboxes: [0] }, { sent: 8, status: 201 }];
  history.splice(at(history, ({ send }) => send === 5), 0, ...repeat);
});

fault('a repeat in the same life stores nothing, also after the ack', 'copies', (history) => {
  const repeat = [{ send: 8, id: A, mailboxes: [0] }, { sent: 8, status: 201 }];
  history.splice(at(history, ({ send }) => send === 4), 0, ...repeat);
});

fault('a copy more than there were attempts', 'copies', (history) => {
  waitingIn(3, history).items.push(item(16, B));
});

fault('the first attempt is no repeat', 'copies', (history) => {
  history[at(history, ({ sent }) => sent === 2)].duplicates = [0];
});

fault('two envelopes of one writer that changed places', 'order', (history) => {
  history[at(history, ({ seq }) => seq === 12)].id = C;
  waitingIn(2, history).items = [item(12, C), item(13, B)];
  waitingIn(3, history).items = [item(13, B), item(14, A)];
});

fault('a seq that was another envelope', 'seq', (history) => {
  waitingIn(2, history).items = [item(11, B), item(13, C)];
});

fault('a new copy under an old seq', 'seq', (history) => {
  waitingIn(3, history).items = [item(10, A), item(13, C)];
});

fault('a mailbox that is not listed by seq', 'seq', (history) => {
  waitingIn(2, history).items.reverse();
});

fault('a body that was changed', 'body', (history) => {
  waitingIn(2, history).items[0].intact = false;
});

fault('an envelope that nobody sent', 'foreign', (history) => {
  waitingIn(2, history).items.push(item(15, id(9)));
});

fault('an envelope in a mailbox that it was not sent to', 'foreign', (history) => {
  history.splice(at(history, ({ send }) => send === 4), 0, { deliver: 1, ...item(12, B) });
});

fault('a gap where nothing was dropped', 'gap', (history) => {
  waitingIn(2, history).items.push({ seq: 15, gap: true });
});

fault('a refusal without a reason', 'refused', (history) => {
  history[at(history, ({ sent }) => sent === 2)].status = 404;
});

test('an id tells its writer, order and size, and what the body must be', () => {
  const raw = makeId(random, { writer: 7, order: 70_000, size: 90_000, shared: true });
  assert.deepEqual(readId(raw), { writer: 7, order: 70_000, size: 90_000, shared: true });
  const body = Buffer.concat([ownBody(raw, 3), sharedBody(raw)]);
  assert.ok(isIntact(raw, 3, body));
  assert.ok(!isIntact(raw, 4, body), 'of another mailbox');
  body[body.length - 1] ^= 1;
  assert.ok(!isIntact(raw, 3, body), 'one bit');
  assert.ok(!isIntact(raw, 3, body.subarray(1)), 'one byte less');
});

// Two daemons, 1 and 2: A is stored by the first, acked, and comes again to one of them.
const judgeShared = (again, more = []) => {
  const checker = new Checker({ shared: true });
  [
    { start: 1 },
    { send: 1, id: A, mailboxes: [0] },
    { sent: 1, status: 201, by: 1 },
    { deliver: 0, ...item(11, A) },
    { ack: 2, mailbox: 0, seqs: [11] },
    { acked: 2 },
    { send: 3, id: A, mailboxes: [0] },
    { sent: 3, status: 201, ...again },
    ...more,
    { settle: true },
  ].forEach((record) => checker.add(record));
  return [...new Set(checker.violations.map(({ promise }) => promise))];
};

test('of several daemons, another may store a repeat after its ack; the same one may not', () => {
  const copy = [{ deliver: 0, ...item(12, A) }, { waiting: 0, items: [item(12, A)] }];
  assert.deepEqual(judgeShared({ by: 2 }, copy), []);
  assert.deepEqual(judgeShared({ by: 1, duplicates: [0] }), []);
  assert.deepEqual(judgeShared({ by: 1 }, copy), ['copies']);
});

test('of several daemons, one that dies may put late what nobody heard of', () => {
  const history = (isShared) => {
    const checker = new Checker({ shared: isShared });
    [
      { start: 1 },
      { send: 1, id: A, mailboxes: [0] },
      { send: 2, id: B, mailboxes: [0] },
      { sent: 2, status: 201, by: 2 },
      { waiting: 0, items: [item(11, B), item(12, A)] },
      { settle: true },
    ].forEach((record) => checker.add(record));
    return [...new Set(checker.violations.map(({ promise }) => promise))];
  };
  assert.deepEqual(history(true), []);
  assert.deepEqual(history(false), ['order']);
});
