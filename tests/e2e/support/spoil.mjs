// SPDX-License-Identifier: Apache-2.0
// What may be wrong with a request's body, made from its schema in openapi.yaml and a good one.
import { resolve } from './contract.mjs';

const LONG = 'A'.repeat(60_000);
const DEEP = 8; // with what is around it below the levels that are allowed: see bad_json.test.mjs

// A number as it shall stand in the text; JSON.stringify could not write it.
class Literal {
  constructor(text) {
    this.text = text;
  }
}

export function textOf(body) {
  const literals = [];
  const text = JSON.stringify(body, (_, value) => {
    if (value instanceof Literal) {
      literals.push(value.text);
      return `@literal${literals.length - 1}@`;
    }
    return value;
  });
  return text.replace(/"@literal(\d+)@"/g, (_, at) => literals[Number(at)]);
}

const NUMBERS = ['1e300', '1.5', '-1e-3'].map((text) => new Literal(text));
// What no reader of JSON takes here: then no member is named.
const TOO_LARGE = ['9223372036854775808', '-9223372036854775809', '18446744073709551616', `1${'0'.repeat(400)}`]
  .map((text) => new Literal(text));
const NUL = '\u0000';
const OTHERS = {
  string: [null, true, 7, 1.5, [], {}, ['x']],
  integer: [null, true, 'x', '7', [], {}, [7], ...NUMBERS],
  boolean: [null, 0, 1, 'true', [], {}],
  array: [null, true, 7, 'x', {}],
  object: [null, true, 7, 'x', []],
};
const BYTES = /^\^\[A-Za-z0-9_-\](\*|\{\d+\})\$$/;

// What is of the type, and is no value.
const ILL = [400, 422];
const BEYOND = [...ILL, 404, 409]; // a number that could be one of something that there is not
const TOO_MUCH = [400, 413, 422];

const nested = (value) => Array.from({ length: DEEP }).reduce((inner) => [inner], value);

// Texts that are no base64url of the length that a pattern wants.
function* badBytes(length, good) {
  yield* ['=', '!', ' ', '+', '/', '\n', '\u00e9'].map((odd) => `${good.slice(0, -1)}${odd}`);
  yield `${good}=`;
  if (length !== '*') {
    yield* ['', good.slice(1), good.slice(4), `${good}A`, `${good}AAAA`, LONG];
  }
}

function* badText(schema, good) {
  const length = BYTES.exec(schema.pattern ?? '')?.[1];
  if (length !== undefined && good.length > 0) {
    for (const value of badBytes(length, good)) {
      yield { value, statuses: [400] };
    }
    return;
  }
  const isFree = !schema.enum && !schema.pattern;
  yield { value: NUL, statuses: [400], isUnreadable: true };
  if (!isFree || schema.maxLength) {
    yield { value: LONG, statuses: ILL };
  }
  for (const value of isFree ? [] : ['', '\ud83d\ude00', `${good} `]) {
    yield { value, statuses: ILL };
  }
}

function* badNumber({ minimum, maximum }) {
  if (minimum !== undefined) {
    yield { value: minimum - 1, statuses: BEYOND };
  }
  if (maximum !== undefined) {
    yield { value: new Literal(String(BigInt(maximum) + 1n)), statuses: BEYOND };
  }
  yield { value: new Literal('-9223372036854775808'), statuses: BEYOND };
  yield* TOO_LARGE.map((value) => ({ value, statuses: [400], isUnreadable: true }));
}

function* badItems(schema, good) {
  const items = resolve(schema.items ?? {});
  yield { value: nested(good), statuses: [400] };
  if (schema.minItems > 0) {
    yield { value: [], statuses: ILL };
  }
  if (schema.maxItems) {
    yield { value: Array(schema.maxItems + 1).fill(good[0] ?? 1), statuses: TOO_MUCH };
  }
  if (good.length > 0) {
    for (const each of bad(items, good[0])) {
      yield { ...each, value: [...good.slice(0, -1), each.value] };
    }
  }
}

function* badMembers(schema, good) {
  if (schema.additionalProperties === false) {
    yield { value: { ...good, zz_unknown: 1 }, statuses: [400], member: 'zz_unknown' };
  }
  for (const name of schema.required ?? []) {
    const { [name]: gone, ...value } = good;
    yield { value, statuses: [400], member: name };
  }
  for (const name of Object.keys(good)) {
    const part = schema.properties?.[name] ?? schema.additionalProperties;
    for (const each of bad(resolve(part), good[name])) {
      yield { ...each, value: { ...good, [name]: each.value }, member: each.member ?? name };
    }
  }
}

function* others(type) {
  yield* OTHERS[type].map((value) => ({ value, statuses: [400] }));
}

function typeOf(schema, good) {
  return schema.type ?? (Array.isArray(good) ? 'array' : typeof good);
}

// { value, statuses, member, isUnreadable } for all that is wrong in the place of good; of oneOf the one
// that good is.
export function* bad(schema, good) {
  if (schema.oneOf) {
    const fits = schema.oneOf.map(resolve).find(({ type }) => type === typeOf({}, good)
      || (type === 'integer' && typeof good === 'number'));
    yield* [null, true, 1.5].map((value) => ({ value, statuses: ILL }));
    yield* bad({ ...fits, type: undefined, within: true }, good);
    return;
  }
  const type = typeOf(schema, good);
  if (!schema.within && type in OTHERS) {
    yield* others(type);
  }
  if (type === 'string') {
    yield* badText(schema, good);
  } else if (type === 'integer') {
    yield* badNumber(schema);
  } else if (type === 'array') {
    yield* badItems(schema, good);
  } else if (type === 'object') {
    yield* badMembers(schema, good);
  }
}
