// SPDX-License-Identifier: Apache-2.0
// Items that arrive and those who wait for them.  Every wait ends: by a match,
// by the end of the source, or by a deadline that fails the test and says what
// was awaited and what had come instead.
const DEADLINE_MS = 60_000;

export class Inbox {
  constructor(describe = (item) => JSON.stringify(item)) {
    this.items = [];
    this.waiters = new Set();
    this.ended = null;
    this.describe = describe;
  }

  push(item) {
    for (const waiter of this.waiters) {
      if (waiter.match(item)) {
        waiter.resolve(item);
        return;
      }
    }
    this.items.push(item);
  }

  end(reason) {
    this.ended ??= reason;
    this.waiters.forEach((waiter) => waiter.reject(new Error(`${reason}, ${waiter.what}`)));
  }

  // The first item that matches, taken out.
  take(match, what) {
    const at = this.items.findIndex(match);
    if (at >= 0) {
      return Promise.resolve(this.items.splice(at, 1)[0]);
    }
    if (this.ended !== null) {
      return Promise.reject(new Error(`${this.ended}, ${what}; had ${this.tail()}`));
    }
    return this.wait(match, what);
  }

  wait(match, what) {
    return new Promise((resolve, reject) => {
      const waiter = { match, what };
      const settle = (done) => (value) => {
        clearTimeout(deadline);
        this.waiters.delete(waiter);
        done(value);
      };
      const deadline = setTimeout(
        () => waiter.reject(new Error(`not in time: ${what}; had ${this.tail()}`)),
        DEADLINE_MS,
      );
      waiter.resolve = settle(resolve);
      waiter.reject = settle(reject);
      this.waiters.add(waiter);
    });
  }

  // All that match now, taken out.
  takeAll(match) {
    const taken = this.items.filter(match);
    this.items = this.items.filter((item) => !match(item));
    return taken;
  }

  count(match) {
    return this.items.filter(match).length;
  }

  tail() {
    const last = this.items.slice(-8).map(this.describe).join(' | ');
    return `${this.items.length} items, last: ${last}`;
  }
}
