// SPDX-License-Identifier: Apache-2.0
// A reference model of mailboxes, and the steps that walk a relay and the model
// side by side.  The model knows the rules and nothing of how they are kept.
import assert from 'node:assert/strict';
import { b64u, ciphertext, fromB64u, sha256 } from './bytes.mjs';
import { OP } from './signing.mjs';

const BODY = 80;
const WINDOW = 64;

const idOf = (tag) => sha256(Buffer.from(`id ${tag}`)).subarray(0, 16);
const bodyOf = (tag) => Buffer.concat([
  Buffer.from([0xff]), sha256(Buffer.from(`body ${tag}`)), Buffer.alloc(BODY - 33, tag),
]);

// What the relay should hold.  Boxes are named "account/number".
export class Model {
  constructor() {
    this.boxes = new Map();
    this.epochs = [0, 0];
    this.nextNumber = [2, 2];
    this.open('0/1');
    this.open('1/1');
  }

  open(name) {
    this.boxes.set(name, { waiting: [], known: new Set() });
  }

  names(account) {
    return [...this.boxes.keys()].filter((name) => name.startsWith(`${account}/`));
  }

  // True when it is a new copy.
  put(name, tag) {
    const box = this.boxes.get(name);
    if (box.known.has(tag)) {
      return false;
    }
    box.known.add(tag);
    box.waiting.push(tag);
    return true;
  }

  // A restart forgets the ids of what was acknowledged.
  restart() {
    this.boxes.forEach((box) => { box.known = new Set(box.waiting); });
  }
}

export class World {
  static async create(relay) {
    const world = new World();
    world.relay = relay;
    world.accounts = [await relay.account(), await relay.account()];
    return world;
  }

  device(name) {
    const [account, number] = name.split('/').map(Number);
    return this.accounts[account].device(number);
  }
}

const pick = (list, choice) => list[choice % list.length];

class Step {
  constructor(...choices) {
    this.choices = choices;
  }

  check() {
    return true;
  }

  toString() {
    return `${this.constructor.name}(${this.choices})`;
  }
}

export class Send extends Step {
  async run(model, world) {
    const [from, to, tag] = this.choices;
    const names = [...model.boxes.keys()];
    const target = pick(names, to);
    const device = world.device(target);
    const answer = await world.device(pick(names, from)).send([device], {
      id: idOf(tag), body: bodyOf(tag),
    });
    assert.equal(answer.status, 201);
    const isNew = model.put(target, tag);
    assert.deepEqual([answer.json.stored, answer.json.duplicates],
      isNew ? [1, []] : [0, [device.pubText]]);
  }
}

// To all devices of an account, with the list check, at the right or another epoch.
export class SendListed extends Step {
  async run(model, world) {
    const [from, account, tag, lag] = this.choices;
    const sender = pick(model.names(1 - account), from);
    const targets = model.names(account);
    const epoch = Math.max(0, model.epochs[account] - lag);
    const answer = await world.device(sender).send(targets.map((name) => world.device(name)), {
      id: idOf(tag), body: bodyOf(tag), account_id: world.accounts[account].idText, epoch,
    });
    if (epoch !== model.epochs[account]) {
      assert.equal(answer.status, 409);
      assert.equal(answer.json.head.epoch, model.epochs[account]);
      return;
    }
    assert.equal(answer.status, 201);
    const stored = targets.filter((name) => model.put(name, tag)).length;
    assert.equal(answer.json.stored, stored);
    assert.equal(answer.json.duplicates.length, targets.length - stored);
  }
}

const tagsOf = (items) => items.map((item) => b64u(item.id));
const expected = (tags) => tags.map((tag) => b64u(idOf(tag)));

export class Read extends Step {
  async run(model, world) {
    const name = pick([...model.boxes.keys()], this.choices[0]);
    const { envelopes, more } = await world.device(name).mailbox('?limit=1000');
    const { waiting } = model.boxes.get(name);
    assert.deepEqual(envelopes.map(({ id }) => id), expected(waiting));
    assert.deepEqual(envelopes.map(({ body }) => fromB64u(body)), waiting.map(bodyOf));
    assert.equal(more, false);
  }
}

export class Acknowledge extends Step {
  async run(model, world) {
    const [choice, count] = this.choices;
    const name = pick([...model.boxes.keys()], choice);
    const device = world.device(name);
    const { envelopes } = await device.mailbox(`?limit=${count}`);
    if (envelopes.length > 0) {
      const answer = await device.ack(envelopes.map(({ seq }) => seq));
      assert.equal(answer.json.acknowledged, envelopes.length);
    }
    model.boxes.get(name).waiting.splice(0, count);
  }
}

// Over a stream: everything in order up to the window, and acknowledged up to a point.
export class Stream extends Step {
  async run(model, world) {
    const [choice, count] = this.choices;
    const name = pick([...model.boxes.keys()], choice);
    const { waiting } = model.boxes.get(name);
    const stream = await world.device(name).open();
    assert.equal((await stream.event('hello')).pending, waiting.length);
    const mail = await stream.delivers(Math.min(waiting.length, WINDOW));
    assert.deepEqual(tagsOf(mail), expected(waiting.slice(0, WINDOW)));
    const taken = mail.slice(0, count);
    if (taken.length > 0) {
      const result = await stream.ackUpTo(taken.at(-1).seq);
      assert.equal(result.body.acknowledged, taken.length);
    }
    waiting.splice(0, taken.length);
    await stream.close();
  }
}

export class AddDevice extends Step {
  check(model) {
    return model.names(this.choices[0]).length < 4;
  }

  async run(model, world) {
    const [account] = this.choices;
    const number = model.nextNumber[account]++;
    await world.accounts[account].grow(number);
    model.open(`${account}/${number}`);
    model.epochs[account]++;
  }
}

export class RemoveDevice extends Step {
  check(model) {
    return model.names(this.choices[0]).length > 1;
  }

  async run(model, world) {
    const [account, choice] = this.choices;
    const name = pick(model.names(account).slice(1), choice);
    const device = world.device(name);
    await world.accounts[account].change({ remove: [device.id] });
    model.boxes.delete(name);
    model.epochs[account]++;
    const sender = world.accounts[account].first;
    assert.equal((await device.call('GET', '/v1/mailbox')).status, 401);
    const answer = await sender.send([device], { body: ciphertext() });
    assert.deepEqual([answer.status, answer.json.unknown], [404, [device.pubText]]);
  }
}

export class Revoke extends Step {
  async run(model, world) {
    const [account] = this.choices;
    const [caller, ...others] = model.names(account).map((name) => world.device(name));
    const answer = await caller.command(OP.sessionsRevoke, 'POST', '/v1/sessions/revoke', {});
    assert.equal(answer.status, 200);
    for (const device of others) {
      assert.equal((await device.call('GET', '/v1/mailbox')).status, 401);
      await device.login();
    }
    assert.equal((await caller.call('GET', '/v1/mailbox')).status, 200);
  }
}

export class Restart extends Step {
  async run(model, world) {
    if (this.choices[0]) {
      await world.relay.kill();
      await world.relay.up();
    } else {
      await world.relay.restart();
    }
    model.restart();
  }
}
