// SPDX-License-Identifier: Apache-2.0
// TLS under the tests: with SEALPOST_E2E_TLS=1 every relay listens with it alone, and
// whatever speaks to such a port by way of this folder speaks it too.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CTL, SANITIZER_ENV } from './daemon.mjs';

export const OVER_TLS = process.env.SEALPOST_E2E_TLS === '1';

const ports = new Set();

export function noteTls(port, speaks) {
  if (speaks) {
    ports.add(port);
  } else {
    ports.delete(port);
  }
}

export function speaksTls(port) {
  return ports.has(port);
}

// A certificate of the sealpost command's own making, in the folder dir.
export function selfSigned(dir, name = 'relay.example', days = 30) {
  const made = spawnSync(CTL, ['tls', 'self-signed', '--dir', dir, '--name', name, '--days', `${days}`],
    { env: { PATH: process.env.PATH, ...SANITIZER_ENV }, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  return { cert, key, ca: readFileSync(cert, 'utf8'), stdout: made.stdout };
}

let ours = null;

// The one that all relays of this process show.
export function certificate() {
  if (ours === null) {
    const dir = mkdtempSync(join(tmpdir(), 'sealpost-tls-'));
    process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
    ours = selfSigned(dir);
  }
  return ours;
}

// What a client of Node needs to trust it.
export function trust() {
  return { ca: certificate().ca };
}

export const Agent = OVER_TLS ? TlsAgent : PlainAgent;

// A URL of this machine; and what tells the sealpost command to trust it.
export const urlOf = (port) => `${OVER_TLS ? 'https' : 'http'}://127.0.0.1:${port}`;
export const trustOptions = () => (OVER_TLS ? ['--ca', certificate().cert] : []);
