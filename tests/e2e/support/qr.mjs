// SPDX-License-Identifier: Apache-2.0
// A terminal's QR code as a camera sees it: lines -> modules -> pixels -> what jsQR, a reader by others, finds.
import jsQR from 'jsqr';

const PIXELS = 4; // of a module's side
const BLOCKS = {
  '\u2588': [true, true], '\u2580': [true, false], '\u2584': [false, true], ' ': [false, false],
};
const ESCAPE = /\x1b\[([0-9;]*)m/;

// The lines that are drawn in blocks: two rows of modules each, true is light.
function fromBlocks(lines) {
  return lines.flatMap((line) => {
    const cells = [...line.replace(new RegExp(ESCAPE, 'g'), '')].map((cell) => BLOCKS[cell]);
    return [cells.map(([upper]) => upper), cells.map(([, lower]) => lower)];
  });
}

function fromAscii(lines) {
  return lines.map((line) => line.match(/../g).map((cell) => cell === '##'));
}

// The background says it; a line's pieces are an escape sequence and what follows.
function fromColouredAscii(lines) {
  return lines.map((line) => line.split('\x1b[').slice(1).flatMap((piece) => {
    const [, codes, text] = /^([0-9;]*)m(.*)$/.exec(piece);
    return new Array(text.length / 2).fill(codes === '48;5;231');
  }));
}

function modulesOf(lines) {
  if (lines.some((line) => line.includes('##'))) return fromAscii(lines);
  return lines.some((line) => /[\u2580-\u2588]/.test(line)) ? fromBlocks(lines) : fromColouredAscii(lines);
}

// The bytes of the code that the lines draw, or null when there is none to be found.
export function readLines(lines) {
  const modules = modulesOf(lines);
  const width = modules[0].length * PIXELS;
  const height = modules.length * PIXELS;
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = modules[Math.floor(y / PIXELS)][Math.floor(x / PIXELS)] ? 255 : 0;
      pixels.fill(value, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  const found = jsQR(pixels, width, height, { inversionAttempts: 'dontInvert' });
  return found === null ? null : Buffer.from(found.binaryData);
}

// The same of the code in what a program printed, among other lines.
export function readPrinted(text) {
  return readLines(text.split('\n').filter((line) => /^[\u2580-\u2588 ]{29,}$|^(##|  ){29,}$/.test(line)));
}
