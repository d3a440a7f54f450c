// SPDX-License-Identifier: Apache-2.0
// Many devices at once, and bare streams of theirs: sockets that cost this process little.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { Account } from './account.mjs';
import { b64u, fromB64u } from './bytes.mjs';
import { authBytes } from './signing.mjs';
import { Raw } from './raw.mjs';
import { speaksTls } from './tls.mjs';

const DEVICES_OF_ONE = 32;
const AT_ONCE = 64;

// Call fn for each item, so many at a time.
export async function eachOf(items, fn, atOnce = AT_ONCE) {
  const all = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const place = next++;
      all[place] = await fn(items[place], place);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return all;
}

async function post(relay, { agent, headers }, path, json) {
  const answer = await relay.call('POST', path, { json, agent, headers: headers(), unchecked: true });
  assert.ok(answer.status < 300, answer.body.toString());
  return answer.json;
}

async function login(relay, how, device) {
  const { challenge } = await post(relay, how, '/v1/auth/challenge', {});
  const message = authBytes(relay.baseUrl, device.account.id, device.id, fromB64u(challenge));
  const answer = await post(relay, how, '/v1/auth/session', {
    account_id: device.account.idText, device_id: device.id, challenge,
    signature: b64u(device.key.sign(message)),
  });
  device.token = answer.token;
}

// So many devices with a session each; headers() gives what each of their requests has besides.
export async function crowdOf(relay, count, headers = () => ({})) {
  const agent = new (speaksTls(relay.port) ? TlsAgent : Agent)({ keepAlive: true, maxSockets: AT_ONCE });
  const how = { agent, headers };
  const devices = [];
  while (devices.length < count) {
    const account = new Account(relay, { devices: Math.min(DEVICES_OF_ONE, count - devices.length) });
    await post(relay, how, '/v1/accounts', { manifest: b64u(account.signed.bytes) });
    devices.push(...account.devices);
  }
  await eachOf(devices, (device) => login(relay, how, device));
  agent.destroy();
  return devices;
}

export function upgradeHead(token) {
  return `GET /v1/stream HTTP/1.1\r\nHost: relay.example\r\nConnection: Upgrade\r\n`
    + 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sealpost.v1\r\n'
    + `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}

// A stream that has caught up, and answers nothing from then on.
export async function bareStream(relay, device) {
  const raw = await Raw.open(relay.port);
  raw.write(upgradeHead(device.token));
  const found = await raw.until(
    () => (raw.received.includes('"caught_up"') ? true : undefined), 'caught_up',
  );
  assert.ok(found, raw.received.toString('latin1').slice(0, 300));
  raw.received = Buffer.alloc(0);
  return raw;
}

// Until so many streams are open.
export async function untilStreams(relay, count) {
  while (await relay.metric('streams_open') !== count) {
    // each look is a turn of the daemon's loop
  }
}
