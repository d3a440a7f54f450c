// SPDX-License-Identifier: Apache-2.0
// What is drawn in a terminal is a QR code to a reader by others.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { BINARY, SANITIZER_ENV } from './support/daemon.mjs';
import { readLines } from './support/qr.mjs';

const LOOKS = [[], ['coloured'], ['ascii'], ['ascii', 'coloured']];
const LONGEST = 425;

function draw(text, look) {
  const { status, stdout } = spawnSync(join(dirname(BINARY), 'qr'), look, {
    input: text, encoding: 'utf8', env: { PATH: process.env.PATH, ...SANITIZER_ENV },
  });
  return { status, lines: stdout.split('\n').slice(0, -1) };
}

for (const look of LOOKS) {
  it(`is read as the text that it was drawn from: ${look.join(' ') || 'in blocks'}`, () => {
    const texts = ['a', 'otpauth://totp/relay.example?secret=JBSWY3DPEHPK3PXP', 'Grüße, Jürgen ✓', randomBytes(LONGEST),
      ...[17, 53, 106, 192, 271].map((size) => 'x'.repeat(size))];
    for (const text of texts) {
      const { status, lines } = draw(text, look);
      assert.equal(status, 0);
      assert.deepEqual(readLines(lines), Buffer.from(text));
    }
  });
}

it('is nothing for what is empty or too long', () => {
  for (const text of ['', 'x'.repeat(LONGEST + 1)]) {
    assert.deepEqual(draw(text, []), { status: 1, lines: [] });
  }
});
