// SPDX-License-Identifier: Apache-2.0
/*
 * Three network namespaces in a row: relay - router - database.  The router may
 * swallow every packet without a word, as a network does that went away; nothing
 * leaves the three.  The relay's has a resolv.conf whose server never answers, and
 * a hosts file of its own.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ETC = '/etc/netns'; // ip(8) lays the files below it over /etc
const FORWARD = '/proc/sys/net/ipv4/ip_forward';
const RELAY = '10.231.1.2';
const RELAY_SIDE = '10.231.1.1';
const DATABASE_SIDE = '10.231.2.1';
const SILENCE = '10.231.9.0/24';

export const NOBODY = '10.231.9.9'; // takes packets and says nothing
export const DATABASE = '10.231.2.2';
export const canMake = process.getuid() === 0;

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] });

export class Networks {
  constructor(name) {
    this.relay = `${name}-relay`;
    this.router = `${name}-router`;
    this.database = `${name}-database`;
    this.etc = join(ETC, this.relay);
  }

  static make() {
    const networks = new Networks(`sealpost-${process.pid}`);
    try {
      networks.build();
    } catch (error) {
      networks.remove();
      throw error;
    }
    return networks;
  }

  build() {
    const { relay, router, database } = this;
    mkdirSync(this.etc, { recursive: true });
    writeFileSync(join(this.etc, 'resolv.conf'), `nameserver ${NOBODY}\noptions timeout:2 attempts:1\n`);
    this.name(null);
    [relay, router, database].forEach((each) => {
      ip('netns', 'add', each);
      ip('-n', each, 'link', 'set', 'lo', 'up');
    });
    this.join([relay, 'middle', RELAY], [router, 'left', RELAY_SIDE]);
    this.join([database, 'middle', DATABASE], [router, 'right', DATABASE_SIDE]);
    ip('-n', relay, 'route', 'add', 'default', 'via', RELAY_SIDE);
    ip('-n', database, 'route', 'add', 'default', 'via', DATABASE_SIDE);
    ip('-n', router, 'route', 'add', 'blackhole', SILENCE);
    this.heal();
  }

  join(...ends) {
    const [[where, name], [peerWhere, peer]] = ends;
    ip('-n', where, 'link', 'add', name, 'type', 'veth', 'peer', 'name', peer, 'netns', peerWhere);
    for (const [namespace, link, address] of ends) {
      ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', link);
      ip('-n', namespace, 'link', 'set', link, 'up');
    }
  }

  // Swallow everything; let it through again.
  cut() {
    this.forward('0');
  }

  heal() {
    this.forward('1');
  }

  forward(value) {
    ip('netns', 'exec', this.router, 'sh', '-c', `echo ${value} > ${FORWARD}`);
  }

  // What the relay's hosts file knows besides localhost: a name of the database, or null.
  name(host) {
    const line = host === null ? '' : `${DATABASE} ${host}\n`;
    writeFileSync(join(this.etc, 'hosts'), `127.0.0.1 localhost\n${line}`);
  }

  within(namespace) {
    return ['ip', 'netns', 'exec', namespace];
  }

  remove() {
    for (const each of [this.relay, this.router, this.database]) {
      try {
        ip('netns', 'del', each);
      } catch {
        // it was not made
      }
    }
    rmSync(this.etc, { recursive: true, force: true });
  }
}
