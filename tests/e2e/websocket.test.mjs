// SPDX-License-Identifier: Apache-2.0
// The table of WebSocket frames over TCP against the daemon.
import assert from 'node:assert/strict';
import { ACK, cases } from './ws_cases.mjs';
import { OP, RawStream, frame, upgradeRequest } from './support/raw_ws.mjs';
import { Raw } from './support/raw.mjs';
import { assertProblem, assertStatus, suite } from './support/scene.mjs';

const RESULT = 0x81;

// The next frame that is neither an event nor mail.
async function answer(raw) {
  for (let next = await raw.frame(); ; next = await raw.frame()) {
    if (next === undefined || next.opcode !== OP.binary || next.payload[0] === RESULT) {
      return next;
    }
  }
}

async function assertResults(raw, count) {
  for (let i = 0; i < count; i++) {
    let result = await answer(raw);
    while (result?.opcode === OP.pong) {
      result = await answer(raw);
    }
    assert.equal(result?.opcode, OP.binary, 'a result comes');
    assert.equal(result.payload.readUInt16BE(5), 200);
  }
}

async function assertPong(raw, echo) {
  const pong = await answer(raw);
  assert.equal(pong?.opcode, OP.pong, 'a pong comes');
  assert.equal(pong.payload.toString(), echo);
}

async function assertClosed(raw, code) {
  assert.equal(await raw.closeCode(), code);
  assert.equal(await raw.frame(), undefined, 'nothing comes after the close frame');
}

const WANTED = {
  close: (raw) => assertClosed(raw, 1005),
  pong: (raw, { echo }) => assertPong(raw, echo),
  result: (raw) => assertResults(raw, 1),
  results: (raw, { count }) => assertResults(raw, count),
  open: async (raw) => {
    raw.write(frame(OP.ping, Buffer.from('still there?')));
    await assertPong(raw, 'still there?');
  },
};

suite('frames on the stream', {}, (it) => {
  let account;
  for (const each of cases) {
    it(`${each.name} -> ${each.want}`, async (relay) => {
      account ??= relay.account();
      const { first } = await account;
      const raw = await RawStream.open(first);
      raw.write(each.bytes);
      if (typeof each.want === 'number') {
        await assertClosed(raw, each.want);
      } else {
        await WANTED[each.want](raw, each);
      }
      raw.destroy();
    });
  }
});

suite('frames at odd moments', {}, (it) => {
  it('a frame right behind the upgrade request is read', async (relay) => {
    const { first } = await relay.account();
    const raw = await Raw.open(relay.port);
    const request = Buffer.from(upgradeRequest({ token: first.token }), 'latin1');
    raw.write(Buffer.concat([request, frame(OP.binary, ACK)]));
    assert.equal((await raw.response()).status, 101);
    Object.setPrototypeOf(raw, RawStream.prototype);
    await assertResults(raw, 1);
    raw.destroy();
  });

  it('an upgrade request and frames that come byte by byte are read', async (relay) => {
    const { first } = await relay.account();
    const raw = await Raw.open(relay.port);
    for (const byte of Buffer.from(upgradeRequest({ token: first.token }), 'latin1')) {
      raw.write(Buffer.from([byte]));
    }
    assert.equal((await raw.response()).status, 101);
    Object.setPrototypeOf(raw, RawStream.prototype);
    for (const byte of frame(OP.binary, ACK)) {
      raw.write(Buffer.from([byte]));
    }
    await assertResults(raw, 1);
    raw.destroy();
  });

  it('a connection cut in the middle of a frame harms nobody', async (relay) => {
    const { a, b } = await relay.pair();
    for (const cut of [1, 2, 5, 6, 10]) {
      const raw = await RawStream.open(a);
      raw.write(frame(OP.binary, ACK).subarray(0, cut));
      raw.socket.end();
      await raw.toEnd();
    }
    assertStatus(await a.send([b]), 201);
  });
});

suite('upgrade requests', {}, (it) => {
  const variants = {
    'no version': [/Sec-WebSocket-Version: 13\r\n/, '', 426],
    'version 8': [/Version: 13/, 'Version: 8', 426],
    'a key of the wrong size': [/Key: \S+/, 'Key: AAAA', 400],
    'no key': [/Sec-WebSocket-Key: \S+\r\n/, '', 400],
    'no Connection: Upgrade': [/Connection: Upgrade\r\n/, 'Connection: keep-alive\r\n', 426],
    'HTTP/1.0': [/HTTP\/1\.1/, 'HTTP/1.0', 426],
    'another upgrade': [/Upgrade: websocket/, 'Upgrade: h2c', 426],
  };
  for (const [name, [from, to, status]] of Object.entries(variants)) {
    it(`${name} -> ${status}`, async (relay) => {
      const { first } = await relay.account();
      const raw = await Raw.open(relay.port);
      raw.write(upgradeRequest({ token: first.token }).replace(from, to));
      const refused = await raw.response();
      assert.equal(refused.status, status, refused.head);
      if (status === 426) {
        assert.match(refused.head, /\r\nupgrade: websocket/i);
        assert.match(refused.head, /\r\nconnection: upgrade/i);
      }
      raw.destroy();
    });
  }

  it('the names of fields and values are matched without regard to case', async (relay) => {
    const { first } = await relay.account();
    const raw = await Raw.open(relay.port);
    raw.write(upgradeRequest({ token: first.token })
      .replace('Upgrade: websocket', 'uPGRADE: WebSocket')
      .replace('Connection: Upgrade', 'connection: keep-alive, UPGRADE'));
    assert.equal((await raw.response()).status, 101);
    raw.destroy();
  });

  it('a POST on the stream is 405', async (relay) => {
    const { first } = await relay.account();
    const answered = await first.call('POST', '/v1/stream', { json: {}, unchecked: true });
    assertProblem(answered, 405, 'method_not_allowed');
    assert.match(answered.headers.allow, /GET/);
  });
});
