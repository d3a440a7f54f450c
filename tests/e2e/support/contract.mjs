// SPDX-License-Identifier: Apache-2.0
// server/api/openapi.yaml as a judge: whatever the relay answers must be a
// status that the operation documents, of a content type that it documents,
// with a body of that schema and no member beside.
import Ajv2020 from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const API = new URL('../../../server/api/', import.meta.url);
const readApi = (name) => readFileSync(fileURLToPath(new URL(name, API)), 'utf8');
export const document = parse(readApi('openapi.yaml'));
const events = JSON.parse(readApi('stream_events.schema.json'));
const METHODS = ['get', 'put', 'post', 'delete', 'head', 'patch'];

// Clients ignore members they do not know; a test must not, so every object is closed.
function close(node) {
  if (Array.isArray(node)) {
    node.forEach(close);
  } else if (node !== null && typeof node === 'object') {
    Object.values(node).forEach(close);
    const isObject = (node.type === 'object' && node.properties) || node.allOf;
    if (isObject && !node['x-open'] && !('additionalProperties' in node)) {
      node.unevaluatedProperties = false;
    }
  }
}

const closed = structuredClone(document);
close(closed.components.schemas);
close(closed.components.responses);
close(closed.paths);
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(closed, 'contract');
close(events.$defs);
ajv.addSchema(events);

const PROBLEM = 'urn:sealpost:problem:';

// The codes of the problems that a documented response may be.
export const codesOf = (documented) => (
  documented.content?.['application/problem+json']?.schema.allOf ?? []
).flatMap((part) => part.properties?.type?.enum ?? []).map((type) => type.replace(PROBLEM, ''));

export function resolve(node) {
  let at = node;
  while (at?.$ref) {
    at = at.$ref.slice(2).split('/').reduce((here, key) => here[key], document);
  }
  return at;
}

const matcher = (template) => new RegExp(
  `^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`,
);

export const operations = Object.entries(document.paths).flatMap(([path, item]) => Object
  .keys(item).filter((method) => METHODS.includes(method)).map((method) => ({
    method: method.toUpperCase(), path, matches: matcher(path), spec: item[method],
  })));

export function findOperation(method, target) {
  const path = target.split('?')[0];
  const wanted = method === 'HEAD' ? 'GET' : method;
  return operations.find((each) => each.method === wanted && each.matches.test(path));
}

const pointer = (...keys) => keys
  .map((key) => encodeURIComponent(key.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/');

function schemaAt(operation, status, mediaType) {
  const named = operation.spec.responses[status];
  const method = operation.method.toLowerCase();
  const base = named.$ref ? `contract${named.$ref}/`
    : `contract#/${pointer('paths', operation.path, method, 'responses', status)}/`;
  return `${base}${pointer('content', mediaType, 'schema')}`;
}

const validators = new Map();

export function validateRef(ref, value, what) {
  if (!validators.has(ref)) {
    validators.set(ref, ajv.compile({ $ref: ref }));
  }
  const validate = validators.get(ref);
  assert.ok(validate(value), `${what} breaks the contract: ${ajv.errorsText(validate.errors)}\n`
    + JSON.stringify(value));
}

export function validateEvent(event) {
  assert.ok(Object.hasOwn(events.$defs, event.event), `unknown event ${event.event}`);
  validateRef(`stream-events#/$defs/${event.event}`, event, event.event);
  record(`EVENT ${event.event}`);
}

export const eventNames = events.oneOf.map(({ $ref }) => $ref.split('/').at(-1));

// What was reached is written down for the coverage check of run.mjs.
function record(line) {
  if (process.env.SEALPOST_E2E_COVERAGE) {
    appendFileSync(join(process.env.SEALPOST_E2E_COVERAGE, `${process.pid}`), `${line}\n`);
  }
}

// response: { status, headers, body: Buffer }.
export function checkResponse(method, target, response) {
  const operation = findOperation(method, target);
  const what = `${method} ${target.split('?')[0]} -> ${response.status}`;
  assert.ok(operation, `${method} ${target} is not in openapi.yaml`);
  const status = String(response.status);
  const documented = resolve(operation.spec.responses[status]);
  assert.ok(documented, `${what} is not documented: ${response.body.toString().slice(0, 400)}`);
  checkHeaders(documented, response, what);
  const value = method === 'HEAD' ? null : checkBody(operation, documented, response, what);
  recordAnswer(operation, status, value);
}

function recordAnswer(operation, status, value) {
  const code = value?.type?.startsWith?.(PROBLEM) ? ` ${value.type.replace(PROBLEM, '')}` : '';
  record(`${operation.method} ${operation.path} ${status}${code}`);
}

function checkHeaders(documented, response, what) {
  assert.match(response.headers['sealpost-request-id'] ?? '', /^[A-Za-z0-9_-]+$/, what);
  for (const [name, header] of Object.entries(documented.headers ?? {})) {
    if (resolve(header).required) {
      assert.ok(response.headers[name.toLowerCase()], `${what} lacks the header ${name}`);
    }
  }
}

function checkBody(operation, documented, response, what) {
  if (!documented.content) {
    assert.equal(response.body.length, 0, `${what} has a body: ${response.body}`);
    return null;
  }
  const type = response.headers['content-type'];
  const mediaType = Object.keys(documented.content).find((each) => each === type);
  assert.ok(mediaType, `${what} has content type ${type}`);
  if (!/json/.test(mediaType)) {
    return null;
  }
  const value = JSON.parse(response.body.toString('utf8'));
  validateRef(schemaAt(operation, String(response.status), mediaType), value, what);
  return value;
}

// The result of a SEND or an ACK is what the HTTP call would have answered.
export function checkResult(method, path, status, value) {
  const operation = findOperation(method, path);
  const documented = resolve(operation.spec.responses[String(status)]);
  assert.ok(documented, `RESULT ${status} is not documented: ${JSON.stringify(value)}`);
  if (value !== null) {
    const mediaType = Object.keys(documented.content)[0];
    validateRef(schemaAt(operation, String(status), mediaType), value, `RESULT ${status}`);
  }
  recordAnswer(operation, status, value);
}
