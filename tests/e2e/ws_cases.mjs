// SPDX-License-Identifier: Apache-2.0
// What a client may send after the opening handshake, right and wrong, and what the
// stream must make of it (RFC 6455; protocol: binary messages only).
//
// want: a number, the code of the relay's close frame; 'close', a close frame without a
// code; 'pong', a pong with the payload `echo`; 'result', the RESULT of the ACK in ACK;
// 'results', `count` of them; 'open', nothing: the stream stays and answers a ping after it.
import { closeFrame, frame, OP } from './support/raw_ws.mjs';

const hex = (text) => Buffer.from(text.replace(/ /g, ''), 'hex');
const all = (...parts) => Buffer.concat(parts);
const key = hex('00 00 00 00');

// ACK, request 1, one seq: 1.  Acknowledging what is not there is harmless and answered.
export const ACK = hex('02 00000001 0001 0000000000000001');
export const MESSAGE_MAX = 1048576;

const message = (payload, options) => frame(OP.binary, payload, options);
const text = (payload, options) => frame(OP.text, Buffer.from(payload), options);
const ping = (payload, options) => frame(OP.ping, Buffer.from(payload), options);
const pong = (payload, options) => frame(OP.pong, Buffer.from(payload), options);
const more = (payload, options) => frame(OP.continuation, payload, options);
const begin = (payload, opcode = OP.binary) => frame(opcode, payload, { fin: false });
const close = (payload) => frame(OP.close, Buffer.from(payload));
const cutAt = (at) => all(begin(ACK.subarray(0, at)), more(ACK.subarray(at)));
const bytewise = all(begin(ACK.subarray(0, 1)),
  ...[...ACK.subarray(1, -1)].map((byte) => more(Buffer.from([byte]), { fin: false })),
  more(ACK.subarray(-1)));

const whole = [
  { name: 'a message', bytes: message(ACK), want: 'result' },
  { name: 'a message with a mask of zeros', bytes: all(hex('82 8f'), key, ACK), want: 'result' },
  { name: 'two messages at once', bytes: all(message(ACK), message(ACK)), want: 'results', count: 2 },
  { name: 'two hundred messages at once', bytes: all(...Array(200).fill(message(ACK))), want: 'results', count: 200 },
  { name: 'a message after a ping', bytes: all(ping(''), message(ACK)), want: 'result' },
  { name: 'a message after a pong nobody asked for', bytes: all(pong('x'), message(ACK)), want: 'result' },
  { name: 'a text message', bytes: text('hello'), want: 1003 },
  { name: 'an empty text message', bytes: text(''), want: 1003 },
  { name: 'a text message that is not UTF-8', bytes: frame(OP.text, hex('c328')), want: 1003 },
  { name: 'a fragmented text message', bytes: all(begin(Buffer.from('he'), OP.text), more(Buffer.from('llo'))), want: 1003 },
  { name: 'a text message after a good one', bytes: all(message(ACK), text('x')), want: 1003 },
];

const fragments = [
  ...[1, 4, 5, 7, 14].map((at) => ({ name: `a message cut at byte ${at}`, bytes: cutAt(at), want: 'result' })),
  { name: 'a message byte by byte', bytes: bytewise, want: 'result' },
  { name: 'an empty first fragment', bytes: all(begin(hex('')), more(ACK)), want: 'result' },
  { name: 'an empty last fragment', bytes: all(begin(ACK), more(hex(''))), want: 'result' },
  { name: 'a ping between fragments', bytes: all(begin(ACK.subarray(0, 5)), ping('p'), more(ACK.subarray(5))), want: 'pong', echo: 'p' },
  { name: 'a message around a ping', bytes: all(begin(ACK.subarray(0, 5)), ping(''), more(ACK.subarray(5))), want: 'result' },
  { name: 'a close between fragments', bytes: all(begin(ACK.subarray(0, 5)), closeFrame(1000)), want: 1000 },
  { name: 'a message after a fragmented one', bytes: all(cutAt(5), message(ACK)), want: 'results', count: 2 },
  { name: 'a continuation of nothing', bytes: more(ACK), want: 1002 },
  { name: 'an open continuation of nothing', bytes: more(ACK, { fin: false }), want: 1002 },
  { name: 'a continuation after a whole message', bytes: all(message(ACK), more(ACK)), want: 1002 },
  { name: 'a message inside a message', bytes: all(begin(ACK), message(ACK)), want: 1002 },
  { name: 'a text inside a message', bytes: all(begin(ACK), text('x')), want: 1002 },
  { name: 'a new fragmented message inside one', bytes: all(begin(ACK), begin(ACK)), want: 1002 },
];

const masks = [
  { name: 'a message without a mask', bytes: message(ACK, { masked: false }), want: 1002 },
  { name: 'an empty message without a mask', bytes: hex('82 00'), want: 1002 },
  { name: 'a ping without a mask', bytes: ping('', { masked: false }), want: 1002 },
  { name: 'a close without a mask', bytes: hex('88 02 03 e8'), want: 1002 },
  { name: 'a last fragment without a mask', bytes: all(begin(ACK), more(ACK, { masked: false })), want: 1002 },
];

const bits = [
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => ({ name: `reserved bits ${rsv}`, bytes: message(ACK, { rsv }), want: 1002 })),
  { name: 'a reserved bit on a ping', bytes: ping('', { rsv: 4 }), want: 1002 },
  { name: 'a reserved bit on a close', bytes: frame(OP.close, hex(''), { rsv: 1 }), want: 1002 },
  { name: 'a reserved bit on a continuation', bytes: all(begin(ACK), more(ACK, { rsv: 4 })), want: 1002 },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({ name: `opcode ${opcode}`, bytes: frame(opcode, ACK), want: 1002 })),
];

const lengths = [
  { name: 'a length of 15 in two bytes', bytes: message(ACK, { width: 16 }), want: 1002 },
  { name: 'a length of 15 in eight bytes', bytes: message(ACK, { width: 64 }), want: 1002 },
  { name: 'a length of 65535 in eight bytes', bytes: hex('82 ff 000000000000ffff'), want: 1002 },
  { name: 'a length with the top bit set', bytes: hex('82 ff 8000000000000002'), want: 1002 },
  { name: 'a message above the limit by one byte', bytes: hex('82 ff 0000000000100001'), want: 1009 },
  { name: 'a message of 1 GiB', bytes: hex('82 ff 0000000040000000'), want: 1009 },
  { name: 'the longest length there is', bytes: hex('82 ff 7fffffffffffffff'), want: 1009 },
  { name: 'fragments above the limit', bytes: all(begin(Buffer.alloc(MESSAGE_MAX)), more(Buffer.alloc(1))), want: 1009 },
  { name: 'fragments whose sum wraps', bytes: all(begin(ACK), hex('00 ff 7fffffffffffffff')), want: 1009 },
  { name: 'a message of the limit that means nothing', bytes: message(Buffer.alloc(MESSAGE_MAX)), want: 1008 },
  { name: 'a message of 126 bytes that means nothing', bytes: message(Buffer.alloc(126)), want: 1008 },
  { name: 'a message of 65536 bytes that means nothing', bytes: message(Buffer.alloc(65536)), want: 1008 },
];

const control = [
  { name: 'a ping', bytes: ping('hello'), want: 'pong', echo: 'hello' },
  { name: 'an empty ping', bytes: ping(''), want: 'pong', echo: '' },
  { name: 'a ping of 125 bytes', bytes: ping('x'.repeat(125)), want: 'pong', echo: 'x'.repeat(125) },
  { name: 'a ping of 126 bytes', bytes: ping('x'.repeat(126)), want: 1002 },
  { name: 'a pong of 126 bytes', bytes: pong('x'.repeat(126)), want: 1002 },
  { name: 'a close of 126 bytes', bytes: close('x'.repeat(126)), want: 1002 },
  { name: 'a fragmented ping', bytes: ping('x', { fin: false }), want: 1002 },
  { name: 'a fragmented pong', bytes: pong('x', { fin: false }), want: 1002 },
  { name: 'a fragmented close', bytes: frame(OP.close, hex(''), { fin: false }), want: 1002 },
  { name: 'a pong nobody asked for', bytes: pong('x'), want: 'open' },
  { name: 'an ACK that wants no answer', bytes: message(hex('02 00000000 0001 0000000000000001')), want: 'open' },
];

const goodCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const badCodes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];
const badReasons = ['c328', 'c080', 'eda080', 'f4908080', 'ff', '80', 'e282', 'f09f98'];
const closes = [
  { name: 'an empty close', bytes: close(''), want: 'close' },
  { name: 'a close of one byte', bytes: close('a'), want: 1002 },
  { name: 'a close with a reason', bytes: closeFrame(1000, 'good bye, \u20ac'), want: 1000 },
  { name: 'a close with the longest reason', bytes: closeFrame(1000, 'x'.repeat(123)), want: 1000 },
  ...goodCodes.map((code) => ({ name: `a close with ${code}`, bytes: closeFrame(code), want: code })),
  ...badCodes.map((code) => ({ name: `a close with ${code}`, bytes: closeFrame(code), want: 1002 })),
  ...badReasons.map((reason) => ({ name: `a close with the reason ${reason}`, bytes: frame(OP.close, hex(`03e8${reason}`)), want: 1007 })),
  { name: 'messages after a close are not answered', bytes: all(closeFrame(1000), message(ACK)), want: 1000 },
];

const meaning = [
  { name: 'an empty message', bytes: message(hex('')), want: 1008 },
  { name: 'message type 00', bytes: message(hex('00')), want: 1008 },
  { name: 'message type 04', bytes: message(hex('04 00000001')), want: 1008 },
  { name: 'message type 7f', bytes: message(hex('7f')), want: 1008 },
  { name: 'a message type of the relay', bytes: message(hex('81 00000001 00c8')), want: 1008 },
  { name: 'an ACK without fields', bytes: message(hex('02')), want: 1008 },
  { name: 'an ACK that is short by a byte', bytes: message(ACK.subarray(0, -1)), want: 1008 },
  { name: 'an ACK that is long by a byte', bytes: message(all(ACK, hex('00'))), want: 1008 },
  { name: 'an ACK that counts two and names one', bytes: message(hex('02 00000001 0002 0000000000000001')), want: 1008 },
  { name: 'an ACK_UPTO that is short', bytes: message(hex('03 00000001 00000000000000')), want: 1008 },
  { name: 'an ACK_UPTO that is long', bytes: message(hex('03 00000001 0000000000000001 00')), want: 1008 },
  { name: 'a SEND of its type alone', bytes: message(hex('01')), want: 1008 },
  { name: 'a SEND with an unknown flag', bytes: message(all(hex('01 00000001 10 00000e10'), Buffer.alloc(16), hex('0000'))), want: 1008 },
  { name: 'a SEND whose body is cut', bytes: message(all(hex('01 00000001 00 00000e10'), Buffer.alloc(16), hex('0001'), Buffer.alloc(32), hex('00000010 00'))), want: 1008 },
  { name: 'a SEND whose body has no end', bytes: message(all(hex('01 00000001 00 00000e10'), Buffer.alloc(16), hex('0001'), Buffer.alloc(32), hex('ffffffff 00'))), want: 1008 },
];

export const cases = [...whole, ...fragments, ...masks, ...bits, ...lengths, ...control, ...closes, ...meaning];
