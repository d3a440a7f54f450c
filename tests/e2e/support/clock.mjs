// SPDX-License-Identifier: Apache-2.0
// A daemon whose clock a test can move, by clock_shim.c.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('clock_shim.c', import.meta.url));

let library = null;

// Built once for each test process, and gone with it.
function build() {
  if (library === null) {
    const dir = mkdtempSync(join(tmpdir(), 'sealpost-clock-'));
    process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
    library = join(dir, 'clock_shim.so');
    execFileSync(process.env.CC ?? 'cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-Wall', '-Wextra',
      '-Werror', '-shared', '-fPIC', '-o', library, SOURCE]);
  }
  return library;
}

// A sanitizer's runtime must stay the first library.
function sanitizerOf(binary) {
  const linked = execFileSync('ldd', [binary], { encoding: 'utf8' });
  return /=> (\S*lib[at]san\S*)/.exec(linked)?.[1];
}

export class Clock {
  constructor(dir) {
    this.path = join(dir, 'clock');
    this.offset = 0;
    this.write('w');
  }

  // Into the same file: the daemon has it mapped.
  write(flags) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(this.offset));
    const file = openSync(this.path, flags);
    writeSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
  }

  advance(seconds) {
    this.offset += seconds;
    this.write('r+');
  }

  environment(binary) {
    return {
      LD_PRELOAD: [sanitizerOf(binary), build()].filter(Boolean).join(' '),
      CLOCK_SHIM: this.path,
    };
  }
}
