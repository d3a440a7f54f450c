// SPDX-License-Identifier: Apache-2.0
/*
 * Whether two requests take the same time.  They alternate on one connection, in pairs whose order is
 * drawn, so that whatever else the machine does falls on both alike; of the pairs only the sign counts:
 * without a difference each is a fair coin, however noisy the clock is.  A difference is one that the
 * coins show (SIGMAS) and that is large enough to be of use (a part of a request, and MIN_US).
 */
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';

const PAIRS = 4000;
export const WARM_UP = 200;
const SIGMAS = 7; // one in 10^11 by chance
const MIN_US = 5; // less is not seen through a network
const US = 1000n;
const HEAD_END = '\r\n\r\n';

// A connection over which one request at a time goes, as few steps of our own in it as possible.
class Line {
  constructor(port) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.setNoDelay(true);
    this.got = '';
    this.socket.on('data', (chunk) => {
      this.got += chunk.toString('latin1');
      this.look();
    });
    this.socket.on('close', () => this.fail?.(new Error('the connection was closed')));
  }

  look() {
    const end = this.got.indexOf(HEAD_END);
    const length = Number(/^content-length: (\d+)/mi.exec(this.got)?.[1] ?? 0);
    if (end >= 0 && this.got.length >= end + HEAD_END.length + length) {
      const text = this.got;
      this.got = '';
      this.done(text);
    }
  }

  // The answer's text and how many microseconds it took.
  ask(request) {
    return new Promise((resolve, reject) => {
      const began = process.hrtime.bigint();
      this.fail = reject;
      this.done = (text) => resolve({ text, us: Number((process.hrtime.bigint() - began) / US) });
      this.socket.write(request);
    });
  }

  close() {
    this.socket.destroy();
  }
}

// token is null where nobody needs a session.
export const requestOf = (token, path, json) => {
  const body = JSON.stringify(json);
  const bearer = token === null ? '' : `Authorization: Bearer ${token}\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: relay.example\r\n${bearer}`
    + `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};

const median = (values) => [...values].sort((x, y) => x - y)[values.length >> 1];

/*
 * Compare two makers of requests; a difference is worth one when it is this part of a request.  Gives
 * { medians, differs, texts }, with the last answers, and says what it saw by t.diagnostic.
 */
export async function compare(relay, t, title, [first, second], { pairs = PAIRS, worth = 0.03 } = {}) {
  const line = new Line(relay.port);
  const times = [[], []];
  const texts = [null, null];
  let longer = 0;
  let counted = 0;
  for (let i = -WARM_UP; i < pairs; i++) {
    const order = randomInt(2);
    const pair = [0, 0];
    for (const which of [order, 1 - order]) {
      const { text, us } = await line.ask([first, second][which](i));
      pair[which] = us;
      texts[which] = text;
    }
    if (i >= 0) {
      pair.forEach((us, which) => times[which].push(us));
      counted += pair[0] !== pair[1] ? 1 : 0; // a tie says nothing
      longer += pair[0] > pair[1] ? 1 : 0;
    }
  }
  line.close();
  const sigmas = (2 * longer - counted) / Math.sqrt(counted);
  const medians = times.map(median);
  const differs = Math.abs(sigmas) > SIGMAS
    && Math.abs(medians[0] - medians[1]) > Math.max(MIN_US, worth * medians[0]);
  t.diagnostic(`${title}: medians ${medians.join(' and ')} us, ${sigmas.toFixed(1)} sigmas`);
  return { medians, differs, texts };
}
