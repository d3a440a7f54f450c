// SPDX-License-Identifier: Apache-2.0
// A daemon whose clock a test can move: libfaketime reads the offset from a file
// at every look at the clock.  Both clocks move, as if the machine had waited.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

function findLibrary() {
  return readdirSync('/usr/lib', { withFileTypes: true })
    .map((entry) => join('/usr/lib', entry.name, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}

// A sanitizer's runtime must stay the first library.
function sanitizerOf(binary) {
  const linked = execFileSync('ldd', [binary], { encoding: 'utf8' });
  return /=> (\S*libasan\S*)/.exec(linked)?.[1];
}

export class Clock {
  constructor(dir) {
    this.path = join(dir, 'clock');
    this.offset = 0;
    this.write();
  }

  write() {
    writeFileSync(`${this.path}.new`, `+${this.offset}`);
    renameSync(`${this.path}.new`, this.path);
  }

  advance(seconds) {
    this.offset += seconds;
    this.write();
  }

  environment(binary) {
    const library = findLibrary();
    if (library === undefined) {
      throw new Error('libfaketime is missing: install the package faketime');
    }
    return {
      LD_PRELOAD: [sanitizerOf(binary), library].filter(Boolean).join(' '),
      FAKETIME_TIMESTAMP_FILE: this.path,
      FAKETIME_NO_CACHE: '1',
    };
  }
}
