// SPDX-License-Identifier: Apache-2.0
// One-time codes as apps by others show them: oathtool, and otplib, which also reads what is scanned.
import { parse } from '@otplib/uri';
import { execFileSync } from 'node:child_process';
import { generateSync } from 'otplib';

export const STEP_S = 30;

// The code of a secret (base32) at so many Unix seconds.
export const oathtool = (secret, at) => execFileSync('oathtool',
  ['--totp=sha1', '--digits=6', `--time-step-size=${STEP_S}s`, `--now=@${at}`, '--base32', secret],
  { encoding: 'utf8' }).trim();

export const otplib = (secret, at) => generateSync({
  secret, epoch: at, algorithm: 'sha1', digits: 6, period: STEP_S,
});

// By the text of a QR code alone.
export function scanned(uri, at) {
  const { type, params: { secret, algorithm, digits, period } } = parse(uri);
  return generateSync({ strategy: type, secret, epoch: at, algorithm, digits, period });
}
