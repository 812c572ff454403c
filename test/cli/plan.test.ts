import assert from 'node:assert/strict';
import { Command, CommanderError } from 'commander';
import { registerPlanCommands } from '../../cli/plan.ts';

/** What `flywheel plan …` prints, run in this process. */
function plan(...words: string[]): string {
  const program = new Command('flywheel').exitOverride();
  registerPlanCommands(program);
  for (const command of program.commands.flatMap((group) => [group, ...group.commands])) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  }
  const printed: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text: string | Uint8Array): boolean => printed.push(String(text)) > 0;
  try {
    program.parse(['node', 'flywheel', 'plan', ...words]);
  } finally {
    process.stdout.write = write;
  }
  return printed.join('');
}
const fleet = ['--robots', '100', '--episodes-per-day', '1000'];

describe('flywheel plan', () => {
  it('prints an A/B test with days, robots and detectable effect', () => {
    const text = plan('ab', '--baseline', '0.85', '--candidate', '0.88', ...fleet);
    assert.match(text, /effect to detect +3\.00 pp/u);
    assert.match(text, /days +0\.5\b/u);
    assert.match(text, /candidate \/ control robots +20 \/ 80/u);
  });

  it('says why not when an effect is out of reach, also in JSON', () => {
    const words = ['ab', '--baseline', '0.85', '--candidate', '0.851', ...fleet];
    assert.match(plan(...words), /Infeasible: 20 \+ 80 robots see 0\.\d\d pp after 7 days, not 0\.10 pp/u);
    const json = JSON.parse(plan(...words, '--json')) as { feasible: boolean; days: { infeasible: string } };
    assert.equal(json.feasible, false);
    assert.match(json.days.infeasible, /not 0\.10 pp/u);
  });

  it('prints the stages of a rollout, with reasons where one is out of reach', () => {
    const text = plan('rollout', '--baseline', '0.85', ...fleet);
    assert.match(text, /^1 of 4 +5 +3\.00 pp/mu);
    assert.match(text, /^4 of 4 +95 +no alarm +48 /mu);
    assert.match(text, /About \d\.\d days in all/u);
    const small = plan('rollout', '--baseline', '0.85', '--robots', '20', '--episodes-per-day', '50');
    assert.match(small, /Stage 1 of 4 is infeasible: 5 robots prove/u);
  });

  it('refuses a fraction that is none, naming the option', () => {
    assert.throws(
      () => plan('rollout', '--baseline', '85', ...fleet),
      (error) =>
        error instanceof CommanderError &&
        /'--baseline <fraction>' argument '85' is invalid\. Expected a number between 0 and 1/u.test(error.message),
    );
  });

  it('refuses a candidate that is the champion', () => {
    assert.throws(() => plan('ab', '--baseline', '0.85', '--candidate', '0.85', ...fleet), /nothing to detect/u);
  });
});
