// SPDX-License-Identifier: Apache-2.0
// Writes webauthn.json: a registration and an assertion of each kind, by the authenticator of
// tests/e2e/support/authenticator.mjs.  node tests/vectors/make_webauthn.mjs
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import {
  Authenticator, BE, BS, EDDSA, ES256, RS256, UP, UV,
} from '../e2e/support/authenticator.mjs';

const KINDS = [
  { name: 'es256, verified', alg: ES256, flags: UP | UV, counter: 7 },
  { name: 'es256, a passkey that does not count', alg: ES256, flags: UP | UV | BE | BS, counter: 0 },
  { name: 'es256, a long id and extensions', alg: ES256, flags: UP | UV, counter: 0xfffffffe, idBytes: 1023,
    registered: [['credProtect', 2]], asserted: [['hmac-secret', Buffer.alloc(48, 0x55)]] },
  { name: 'eddsa, a touch alone', alg: EDDSA, flags: UP, counter: 1 },
  { name: 'rs256, verified', alg: RS256, flags: UP | UV, counter: 1 },
];
const hex = (members) => Object.fromEntries(Object.entries(members)
  .map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]));

const vectors = KINDS.map(({ name, registered, asserted, ...kind }) => {
  const authenticator = new Authenticator(kind);
  const [first, second] = [randomBytes(32), randomBytes(32)];
  const created = authenticator.create(first, { extensions: registered });
  authenticator.counter += kind.counter === 0 ? 0 : 1;
  const got = authenticator.get(second, { extensions: asserted });
  return {
    name, alg: kind.alg, flags: kind.flags, counter: kind.counter,
    ...hex({ id: authenticator.id, key: authenticator.key }),
    registration: hex({ challenge: first, client_data: created.clientData, auth_data: created.authData }),
    assertion: hex({
      challenge: second, client_data: got.clientData, auth_data: got.authData, signature: got.signature,
    }),
  };
});
writeFileSync(new URL('webauthn.json', import.meta.url), `${JSON.stringify(vectors, null, 1)}\n`);
