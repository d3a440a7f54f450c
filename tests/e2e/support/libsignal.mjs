// SPDX-License-Identifier: Apache-2.0
// libsignal, a client of Signal by others, as `libsignal`. It looks for its native part beside
// import.meta.dirname, which Node has from 20.11 on; where there is none that means the current
// folder, and Debian 12 has Node 18.
import { fileURLToPath } from 'node:url';

const before = process.cwd();
if (import.meta.dirname === undefined) {
  process.chdir(fileURLToPath(new URL('../node_modules/@signalapp/libsignal-client/', import.meta.url)));
}
export const libsignal = await import('@signalapp/libsignal-client');
process.chdir(before);
