// SPDX-License-Identifier: Apache-2.0
// Manual pages and completions: whole, well-formed, and taken by the shells that they are for.
// SEALPOST_SHELLS names the shells; bash alone is everywhere.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { BINARY, CTL } from './support/daemon.mjs';

const FOLDER = join(dirname(BINARY), '../generated/manual');
const PAGES = ['sealpostd.8', 'sealpost.1', 'sealpost.conf.5'];
const SHELLS = (process.env.SEALPOST_SHELLS ?? 'bash').split(' ');

const run = (file, args) => execFileSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 24 });

// A page as its reader sees it, but for the layout.
const page = (name) => readFileSync(join(FOLDER, name), 'utf8')
  .replaceAll(/\\f[BIR]/g, '').replaceAll('\\-', '-').replaceAll('\\(dq', '"').replaceAll('\\e', '\\');

const sectionOf = (text, title) => (text.split(`\n${title}\n`)[1] ?? '').split('\n\n')[0];

// The words that stand first on the lines of a section of --help.
const namesIn = (section, pattern) => [...section.matchAll(pattern)].map(([, name]) => name);

const commands = new Map(); // words -> its options
let daemonOptions, configOptions;

before(() => {
  const words = namesIn(
    sectionOf(run(CTL, ['--help']), 'Commands'),
    /^ {2}([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*)(?= {2}| [A-Z[]|$)/gm,
  );
  for (const command of words) {
    const help = run(CTL, [...command.split(' '), '--help']);
    commands.set(command, namesIn(sectionOf(help, 'Options'), /^ {2}(--[a-z-]+)/gm));
  }
  daemonOptions = namesIn(run(BINARY, ['--help']), /^ {2}(--[a-z-]+)/gm);
  configOptions = namesIn(run(BINARY, ['--print-default-config']), /^#([a-z_]+) = /gm);
  assert(commands.size > 60 && daemonOptions.length > 6 && configOptions.length > 60);
});

test('sealpostd(8) has every option', () => {
  const text = page('sealpostd.8');
  daemonOptions.forEach((name) => assert.match(text, new RegExp(`^\\.TP\\n${name}( |$)`, 'm')));
});

test('sealpost(1) has every command with all its options, and what each option is', () => {
  const text = page('sealpost.1');
  for (const [words, options] of commands) {
    const entry = new RegExp(`^\\.TP\\n${words}(?: [A-Z[].*)?\\n([^]*?)(?=^\\.(?:TP|SH))`, 'm').exec(text);
    assert(entry, words);
    assert.deepEqual(namesIn(entry[1], /^\[(--[a-z-]+)/gm), options, words);
    options.forEach((name) => assert.match(text, new RegExp(`^\\.TP\\n${name}( |$)`, 'm')));
  }
});

test('sealpost.conf(5) has every option with its default and what applies a change', () => {
  const text = page('sealpost.conf.5');
  const file = run(BINARY, ['--print-default-config']);
  for (const name of configOptions) {
    const line = new RegExp(`^#(${name} = .*)$`, 'm').exec(file)[1];
    const entry = text.split(`\n.TP\n${line}\n`)[1]?.split('\n.TP\n')[0];
    assert.match(entry ?? '', /SIGHUP applies a change\.|A change needs a restart\./, name);
  }
});

test('no page has anything that mandoc minds', () => {
  for (const name of PAGES) {
    run('mandoc', ['-Tlint', join(FOLDER, name)]); // ends with 1 or more when it warns
  }
});

/*
 * What each shell offers behind lines of words, the last of which may be begun: one process for all.
 * A script prints the candidates of a line, then a line with a dot.
 */
const quoted = (word) => `'${word}'`;
const OFFERS = {
  bash: (lines) => `cd ${quoted(FOLDER)}; . ./sealpost.bash; . ./sealpostd.bash\n` +
    'complete -p sealpost sealpostd >/dev/null || exit 1\n' + lines.map((words) =>
    `COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${words.length - 1}; _${words[0]}; printf '%s\\n' "\${COMPREPLY[@]}" .`).join('\n'),
  zsh: (lines) => `cd ${quoted(FOLDER)}; fpath=($PWD $fpath); autoload -U compinit; compinit -D -u\n` +
    '[[ $_comps[sealpost] == _sealpost && $_comps[sealpostd] == _sealpostd ]] || exit 1\n' +
    '. ./_sealpost; . ./_sealpostd\n' + lines.map((words) =>
    (words[0] === 'sealpost'
      ? `_sealpost_candidates ${words.slice(1, -1).map(quoted).join(' ')}`
      : `_sealpostd_candidates ${words.slice(-2).map(quoted).join(' ')}`) +
    '; print -rl -- ${reply%%:*} .').join('\n'),
  fish: (lines) => `cd ${quoted(FOLDER)}; source sealpost.fish; source sealpostd.fish\n` +
    lines.map((words) => `complete -C ${quoted(words.join(' '))}; echo .`).join('\n'),
};
const FLAGS = { bash: ['--norc', '-c'], zsh: ['-f', '-c'], fish: ['--no-config', '-c'] };

const offers = (shell, lines) => run(shell, [...FLAGS[shell], OFFERS[shell](lines)]).split(/^\.\n/m).slice(0, -1)
  .map((text) => text.split('\n').filter((line) => line !== '').map((line) => line.split('\t')[0]));

for (const shell of SHELLS) {
  test(`${shell} completes every command word by word`, () => {
    const lines = [...commands.keys()].flatMap((command) => {
      const words = command.split(' ');
      return words.map((word, i) => ({ word, line: ['sealpost', ...words.slice(0, i), ''] }));
    });
    const found = offers(shell, lines.map(({ line }) => line));
    assert.equal(found.length, lines.length);
    lines.forEach(({ word, line }, i) => assert(found[i].includes(word), `${line.join(' ')}: ${found[i]}`));
  });

  test(`${shell} completes the options of each command and no others, behind options with values too`, () => {
    const lines = [...commands.keys()].map((command) => ['sealpost', ...command.split(' '), '--dir', 'somewhere', '--']);
    const found = offers(shell, lines);
    [...commands.values()].forEach((options, i) => assert.deepEqual(
      found[i].filter((word) => word.startsWith('--') && !['--help', '--version'].includes(word)).sort(),
      [...options].sort(),
      lines[i].join(' '),
    ));
  });

  test(`${shell} offers nothing that is no command`, () => {
    assert.deepEqual(offers(shell, [['sealpost', 'nonsense', ''], ['sealpost', 'device', 'nonsense', '']])
      .flat().filter((word) => !word.startsWith('-')), []);
  });

  test(`${shell} completes the options of sealpostd, and of its configuration behind --set`, () => {
    const [options, names] = offers(shell, [['sealpostd', '--'], ['sealpostd', '--set', '']]);
    daemonOptions.forEach((name) => assert(options.includes(name), name));
    assert.deepEqual(names.sort(), configOptions.map((name) => `${name}=`).sort());
  });

  test(`${shell} completes the words that an option takes`, () => {
    const line = shell === 'bash'
      ? ['sealpostd', '--set', 'registration', '=', ''] : ['sealpostd', '--set', 'registration='];
    assert.deepEqual(
      offers(shell, [line])[0].map((word) => word.replace('registration=', '')).sort(),
      ['closed', 'invite', 'open'],
    );
  });
}

test('zsh completes at its prompt', { skip: !SHELLS.includes('zsh') }, () => {
  const shown = run('zsh', ['-f', '-c', `cd ${quoted(FOLDER)}
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell 'fpath=($PWD $fpath); autoload -U compinit; compinit -D -u; PS1=; echo be""gin'
zpty -r shell shown '*begin*'
zpty -w -n shell $'sealpost invite rev\\t'
zpty -r shell shown '*revoke*'
print -r -- $shown
zpty -d shell
`]);
  assert.match(shown, /revoke/);
});
