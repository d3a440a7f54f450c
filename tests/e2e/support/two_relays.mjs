// SPDX-License-Identifier: Apache-2.0
// Two daemons on one database, with the same keys, as behind a load balancer.
import { cpSync, rmSync } from 'node:fs';
import { Database } from './database.mjs';
import { Relay } from './relay.mjs';

export class TwoRelays {
  // Start them for the test t; options as for a Relay.
  static async start(t, options = {}) {
    const two = new TwoRelays();
    two.database = await Database.create();
    two.a = new Relay({ ...options, database: two.database });
    two.b = new Relay({ ...options, database: two.database });
    t.after(() => two.dispose());
    await two.a.up();
    rmSync(two.b.keyDir, { recursive: true });
    cpSync(two.a.keyDir, two.b.keyDir, { recursive: true });
    await two.b.up();
    return two;
  }

  async dispose() {
    try {
      await Promise.all([this.a.dispose(), this.b.dispose()]);
    } finally {
      await this.database.giveBack();
    }
  }
}

// The same device, or account, calling this relay.
export function through(relay, one) {
  return Object.create(one, { relay: { value: relay } });
}
