// SPDX-License-Identifier: Apache-2.0
// ts-mls asks for the global `crypto`, which Debian 12's Node has under another name alone.  To be
// imported wherever ts-mls is.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
