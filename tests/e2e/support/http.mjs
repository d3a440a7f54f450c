// SPDX-License-Identifier: Apache-2.0
// One HTTP call on a connection of its own, its answer judged by the contract.
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { checkResponse } from './contract.mjs';
import { prefixAt } from './front.mjs';
import { speaksTls, trust } from './tls.mjs';

const DEADLINE_MS = 60_000;

function transport(options, body) {
  return new Promise((resolve, reject) => {
    const secure = options.port !== undefined && speaksTls(options.port);
    const ask = secure ? requestTls : request;
    const all = { agent: false, timeout: DEADLINE_MS, ...options, ...(secure ? trust() : {}) };
    const outgoing = ask(all, (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve({
        status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks),
      }));
    });
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('upgrade', (incoming, socket) => {
      socket.destroy();
      reject(new Error('the call was upgraded'));
    });
    outgoing.end(body);
  });
}

function parseJson(response) {
  if (/json/.test(response.headers['content-type'] ?? '') && response.body.length > 0) {
    return JSON.parse(response.body.toString('utf8'));
  }
  return null;
}

/*
 * where: { port } or { socketPath }.  options: json (a value to send), body (raw
 * bytes or text), token, headers, agent, localAddress, unchecked (skip the contract).
 * Gives { status, headers, body, json, code } where code is the problem's.
 */
export async function call(where, method, path, options = {}) {
  const headers = { ...options.headers };
  let { body } = options;
  if (options.json !== undefined) {
    body = JSON.stringify(options.json);
    headers['content-type'] ??= 'application/json';
  }
  if (body !== undefined && !('transfer-encoding' in headers)) {
    headers['content-length'] ??= Buffer.byteLength(body);
  }
  if (options.token !== undefined) {
    headers.authorization ??= `Bearer ${options.token}`;
  }
  const target = where.socketPath ? { socketPath: where.socketPath }
    : { host: where.host ?? '127.0.0.1', port: where.port, localAddress: options.localAddress };
  const agent = options.agent ?? false;
  const response = await transport(
    { ...target, method, path: prefixAt(where.port) + path, headers, agent }, body,
  );
  if (!options.unchecked) {
    checkResponse(method, path, response);
  }
  response.json = parseJson(response);
  response.code = response.json?.type?.replace(/^urn:sealpost:problem:/, '') ?? null;
  return response;
}
