// SPDX-License-Identifier: Apache-2.0
// Edwards25519 in big integers, slow and plain: what node:crypto does not tell (is a point of
// prime order?) and what no library signs (an R with a part of small order).
import { createHash } from 'node:crypto';

export const P = 2n ** 255n - 19n;
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (a, m = P) => ((a % m) + m) % m;

function power(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) {
    if (e & 1n) result = mod(result * b);
  }
  return result;
}
const inverse = (a) => power(a, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT = power(2n, (P - 1n) / 4n);

// Points are [X, Y, Z, T] with x = X/Z, y = Y/Z, T = XY/Z (RFC 8032 section 5.1.4).
export const IDENTITY = [0n, 1n, 1n, 0n];
export function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2), d = mod(2n * z1 * z2);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}
export function multiply(scalar, point) {
  let result = IDENTITY;
  for (let q = point, e = scalar; e > 0n; e >>= 1n, q = add(q, q)) {
    if (e & 1n) result = add(result, q);
  }
  return result;
}
export const equal = ([x1, y1, z1], [x2, y2, z2]) =>
  mod(x1 * z2 - x2 * z1) === 0n && mod(y1 * z2 - y2 * z1) === 0n;

export const little = (bytes) => BigInt('0x' + Buffer.from(bytes).reverse().toString('hex'));
export const encodeNumber = (n) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse();
export function encode([x, y, z]) {
  const i = inverse(z);
  return encodeNumber(mod(y * i) | (mod(x * i) & 1n) << 255n);
}

// The point of an encoding, or null; strict says that y < P and that "-0" is refused.
export function decode(bytes, strict = true) {
  const sign = BigInt(bytes[31] >> 7), given = little(bytes) & (1n << 255n) - 1n, y = mod(given);
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x - square) !== 0n) x = mod(x * ROOT);
  if (mod(x * x - square) !== 0n) return null;
  if (strict && (given >= P || (x === 0n && sign === 1n))) return null;
  if ((x & 1n) !== sign) x = mod(-x);
  return [x, y, 1n, mod(x * y)];
}
export const BASE = decode(encodeNumber(mod(4n * inverse(5n))));

// Canonical, on the curve, of prime order.
export function isValidPoint(bytes) {
  const point = decode(bytes);
  return point !== null && !equal(point, IDENTITY) && equal(multiply(L, point), IDENTITY);
}

// A point of order 8: L times one whose own order is 8L.
function findTorsion() {
  for (let y = 2n; ; y++) {
    const point = decode(encodeNumber(y));
    const torsion = point && multiply(L, point);
    if (torsion && !equal(multiply(4n, torsion), IDENTITY)) return torsion;
  }
}
export const TORSION = findTorsion();

const sha512 = (...parts) => createHash('sha512').update(Buffer.concat(parts)).digest();
export function secretScalar(seed) {
  const h = sha512(seed).subarray(0, 32);
  h[0] &= 248;
  h[31] = (h[31] & 127) | 64;
  return little(h);
}

// Sign with an R of the caller's: R = r * base + torsion, or its bytes given outright.
export function signWithR(seed, message, r, torsion = IDENTITY, rBytes = null) {
  const a = secretScalar(seed);
  const pub = encode(multiply(a, BASE));
  const R = rBytes ?? encode(add(multiply(r, BASE), torsion));
  const k = little(sha512(R, pub, message)) % L;
  return Buffer.concat([R, encodeNumber((r + k * a) % L)]);
}

// A key with a part of order 8, and a signature under it that every plain verifier accepts: r is
// tried until k is a multiple of 8, so that the part falls out of the equation.
export const mixedPublicOf = (seed) =>
  encode(add(multiply(secretScalar(seed), BASE), TORSION));
export function signWithMixedKey(seed, message) {
  const pub = mixedPublicOf(seed);
  for (let r = 1n; ; r++) {
    const R = encode(multiply(r, BASE));
    const k = little(sha512(R, pub, message)) % L;
    if (k % 8n === 0n) {
      return Buffer.concat([R, encodeNumber((r + k * secretScalar(seed)) % L)]);
    }
  }
}

// What the laxest verifier in the field asks: 8 S B = 8 R + 8 k A, any encoding of R.
export function laxVerify(pub, message, signature) {
  const R = decode(signature.subarray(0, 32), false), A = decode(pub, false);
  if (R === null || A === null) return false;
  const k = little(sha512(signature.subarray(0, 32), pub, message)) % L;
  const S = little(signature.subarray(32));
  return equal(multiply(8n * S, BASE), multiply(8n, add(R, multiply(k, A))));
}
