import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Command, Option } from 'commander';

import { bashCompletion } from '../../cli/completion/bash.ts';
import { fishCompletion } from '../../cli/completion/fish.ts';
import { placesOf } from '../../cli/completion/tree.ts';
import { zshCompletion } from '../../cli/completion/zsh.ts';
import { registerAll } from '../../cli/command-groups.ts';

describe('shell completion', function () {
  this.timeout(120_000);
  let directory: string;
  let program: Command;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-completion-'));
    program = new Command('flywheel');
    await registerAll(program);
    await writeFile(path.join(directory, 'flywheel.bash'), bashCompletion(placesOf(program)));
    await writeFile(path.join(directory, 'a file.csv'), '');
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** What bash offers for the last of some words, each asked in one real shell. */
  function offered(lines: readonly (readonly string[])[]): readonly (readonly string[])[] {
    const asked = lines.map((words) => `try flywheel ${words.map((word) => `'${word}'`).join(' ')}`).join('\n');
    const script = `set -u; cd "$1"; source ./flywheel.bash
      [[ $(complete -p flywheel) == 'complete -F _flywheel flywheel' ]] || exit 9
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _flywheel; (IFS='|'; echo "\${COMPREPLY[*]:-}"); }
      ${asked}`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', directory], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => (line === '' ? [] : line.split('|')));
  }

  it('in bash offers every command, subcommand and option that the command line has, and nothing else', () => {
    const places = placesOf(program);
    assert.ok(places.length > 80);
    const asked = places.flatMap(({ path: at }) => {
      const words = at === '' ? [] : at.split(' ');
      return [
        [...words, ''],
        [...words, '--'],
      ];
    });
    const answers = offered(asked);
    for (const [index, { path: at, commands, options, words }] of places.entries()) {
      const names = commands.map(({ name }) => name);
      const [first] = words;
      const wanted = [...names, ...(first?.kind === 'choices' ? first.choices : [])];
      const answer = answers[2 * index] ?? [];
      if (first?.kind !== 'files') assert.deepEqual(answer.toSorted(), wanted.toSorted(), at);
      else assert.ok(answer.includes('a file.csv'), at);
      const long = options.flatMap(({ flag }) => (flag.startsWith('--') ? [flag] : []));
      assert.deepEqual(answers[2 * index + 1]?.toSorted(), long.toSorted(), at);
      assert.ok(long.includes('--help'), at);
    }
  });

  it('in bash knows where it is: values of options, choices, files, and the command that a group runs by itself', () => {
    const expected: readonly (readonly [words: string, offered: readonly string[]])[] = [
      ['metrics --by ', ['task', 'robot', 'site', 'version', 'body', 'trial']],
      ['metrics --by = si', ['site']],
      ['metrics --policy metrics --by si', ['site']],
      ['trial status --policy ', []],
      ['incidents list --policy list --js', ['--json']],
      ['rollback --rea', ['--reason']],
      ['operators add ada --role vi', ['viewer']],
      ['import cs', ['csv']],
      ['import csv a', ['a file.csv']],
      ['completion f', ['fish']],
      ['nonsense ', []],
      ['help tri', ['trial']],
    ];
    const lines = expected.map(([words]) => words.split(' '));
    assert.deepEqual(
      offered(lines),
      expected.map(([, answer]) => answer),
    );
  });

  it('runs nothing of what descriptions and choices say', () => {
    const evil = new Command('flywheel');
    evil
      .command('fine')
      .description("it's `touch evil`; $(touch evil) \\ \u2019\n'; touch evil; '")
      .addOption(new Option('--which <one>', "'; touch evil; '").choices(['good', '$(touch evil)', '`touch evil`']));
    const places = placesOf(evil);
    const bash = `${bashCompletion(places)}\nCOMP_WORDS=(flywheel fine --which ''); COMP_CWORD=3; _flywheel; echo "\${COMPREPLY[*]}"; ls`;
    const { stdout } = spawnSync('bash', ['-c', bash], { encoding: 'utf8', cwd: directory });
    assert.match(stdout, /^good\n/);
    assert.doesNotMatch(stdout, /evil/);
    for (const [shell, text] of [
      ['zsh', zshCompletion(places)],
      ['fish', fishCompletion(places)],
    ] as const)
      parses(shell, text);
  });

  it('is well formed for zsh and fish, where they are installed', () => {
    parses('zsh', zshCompletion(placesOf(program)));
    parses('fish', fishCompletion(placesOf(program)));
    assert.match(zshCompletion(placesOf(program)), /^#compdef flywheel\n/);
  });

  function parses(shell: 'zsh' | 'fish', text: string): void {
    const { error, status, stderr } = spawnSync(shell, ['-n', '/dev/stdin'], { input: text, encoding: 'utf8' });
    if (error === undefined) assert.equal(status, 0, `${shell}: ${stderr}`);
  }
});
