import assert from 'node:assert/strict';

import type { VNode } from 'preact';

import type { RollbackTargetsAnswer } from '../../console/answers/rollback-targets.ts';
import { dialogBody } from '../../dashboard/act-dialog.ts';
import { fleetActs, trialActs, type OfferedAct } from '../../dashboard/acts.ts';
import { unread, type Reading } from '../../dashboard/reading.ts';
import { got, hostile, html, nowMs, statesOf } from './page-world.ts';

type Target = RollbackTargetsAnswer['targets'][number];
type Metric = Target['success'];
const operator = { name: 'ada', role: 'operator' } as const;
const dayMs = 86_400_000;
const value = (fraction: number, n: number, low: number, high: number): Metric => ({
  kind: 'value',
  value: fraction,
  n,
  low,
  high,
});
const unknown: Metric = { kind: 'noData', why: 'no counted episode' };

const spell: Target['spells'][number] = {
  atMs: nowMs - 9 * dayMs,
  untilMs: nowMs - 2 * dayMs,
  version: '1.1.0',
  way: 'trial',
  who: 'cycle c1',
  why: 'it passed all stages',
};
const targetOf = (version: string, more: Partial<Target> = {}): Target => ({
  version,
  aliases: [],
  choice: 'ask',
  spells: [spell],
  spellsTotal: 1,
  takenBack: null,
  robots: 12,
  success: value(0.9, 900, 0.88, 0.92),
  difference: value(0.08, 400, 0.04, 0.12),
  trial: null,
  ...more,
});
const listOf = (targets: readonly Target[], more: Partial<RollbackTargetsAnswer> = {}): RollbackTargetsAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  policy: 'wall',
  running: { version: '1.2.0', robots: 12, success: value(0.82, 400, 0.8, 0.84) },
  unnamed: { version: '1.1.0', endsTrial: false },
  from: '2026-08-28',
  to: '2026-11-28',
  state: 'read',
  asOfMs: nowMs,
  targets: [...targets],
  total: targets.length,
  ...more,
});

const [now, toVersion] = fleetActs('wall', operator) as [OfferedAct, OfferedAct];
const ignore = (): void => undefined;
const node = (
  targets: Reading<RollbackTargetsAnswer>,
  extra = '',
  act: OfferedAct = toVersion,
  onExtra: (version: string) => void = ignore,
) =>
  dialogBody({
    act,
    state: { kind: 'asking' },
    reason: 'smoke',
    extra,
    targets,
    nowMs,
    onReason: ignore,
    onExtra,
    onSend: ignore,
    onClose: ignore,
  });
const shown = (...given: Parameters<typeof node>): string => html(node(...given));
/** What is said of the one that is chosen. */
const warned = (...given: Parameters<typeof node>): string =>
  / role="status">(<ul class="warnings">.*?<\/ul>)/su.exec(shown(...given))?.[1] ?? '';

describe('the list of versions to roll back to', () => {
  it('offers each by a radio button, with when it was champion, how it came to be, and how well it did of how many', () => {
    const put = { ...spell, way: 'putBack', who: 'bo', why: 'glare' } as const;
    const text = shown(
      got(
        listOf([targetOf('1.1.0', { aliases: ['previous'], choice: 'assign' }), targetOf('1.0.0', { spells: [put] })]),
      ),
    );
    assert.equal(text.match(/<input type="radio" name="target"[^>]* required/g)?.length, 2);
    assert.match(text, /<strong> 1\.1\.0<\/strong> \(previous\): at once<\/label>/);
    assert.match(text, /Champion from .* until .*, promoted by a trial \(cycle c1\): it passed all stages/s);
    assert.match(text, /<strong> 1\.0\.0<\/strong>: once an approver has approved it.*put back by bo: glare/s);
    assert.match(
      text,
      /Measured better than what runs<\/strong>: 90 % \[88 % to 92 %\], n 900 episodes of 12 robots, against 82 % \[80 % to 84 %\], n 400 episodes of 12 robots of 1\.2\.0; difference \+8 pp \[\+4 pp to \+12 pp\], 95 %/,
    );
    assert.match(text, /Runs now: 1\.2\.0, success 82 % \[80 % to 84 %\], n 400 episodes of 12 robots/);
    assert.doesNotMatch(text, /⚠/);
    for (const [, id] of text.matchAll(/aria-describedby="(target-[^"]+)"/g)) assert.ok(text.includes(`id="${id}"`));
  });

  it('gives the version that is chosen to the act, and marks it', () => {
    const chosen: string[] = [];
    const list = got(listOf([targetOf('1.1.0'), targetOf('1.0.0')]));
    const inputs: VNode<{ value?: string; type?: string; onChange?: () => void }>[] = [];
    const walk = (one: unknown): void => {
      if (Array.isArray(one)) return one.forEach(walk);
      const { type, props } = (one ?? {}) as VNode<{ children?: unknown }>;
      if (type === 'input') inputs.push(one as (typeof inputs)[number]);
      if (props !== undefined) walk(props.children);
    };
    walk(node(list, '', toVersion, (version) => chosen.push(version)));
    inputs.find(({ props }) => props.value === '1.0.0')?.props.onChange?.();
    assert.deepEqual(chosen, ['1.0.0']);
    assert.match(shown(list, '1.0.0'), /value="1\.0\.0" required checked/);
  });

  it('warns of one that measured worse, with both values, the interval that decides, and the numbers', () => {
    const worse = targetOf('1.0.0', {
      success: value(0.71, 900, 0.68, 0.74),
      difference: value(-0.11, 400, -0.15, -0.07),
    });
    const list = got(listOf([worse]));
    const text = warned(list, '1.0.0');
    assert.match(text, /⚠ .*1\.0\.0 measured worse than what runs now/s);
    for (const told of [
      '71 % [68 % to 74 %], n 900',
      '1.2.0: Success 82 % [80 % to 84 %], n 400',
      '−11 pp [−15 pp to −7 pp], 95 %',
    ])
      assert.ok(text.includes(told), `${told}: ${text}`);
    assert.match(shown(list), /<strong>⚠ Measured worse than what runs<\/strong>: 71 % .* against 82 % /);
    const chance = listOf([{ ...worse, difference: value(-0.02, 400, -0.06, 0.02) }]);
    assert.match(shown(got(chance)), /<strong>Measured lower than what runs, which may be chance</);
    const perhaps = targetOf('1.0.0', { difference: value(0.01, 400, -0.02, 0.04) });
    assert.match(shown(got(listOf([perhaps]))), /<strong>Measured higher than what runs, which may be chance</);
    const same = targetOf('1.0.0', { difference: value(0, 400, -0.02, 0.02) });
    assert.match(shown(got(listOf([same]))), /<strong>Measured as high as what runs</);
    assert.match(warned(got(chance), '1.0.0'), /lower than what runs now, which may be chance/);
    assert.doesNotMatch(warned(got(chance), '1.0.0'), /measured worse/);
    assert.equal(warned(got(listOf([targetOf('1.0.0')])), '1.0.0'), '');
  });

  it('says what was never measured, or cannot be counted, as unknown, and never as good', () => {
    const never = targetOf('1.0.0', { success: unknown, difference: unknown, robots: 0 });
    assert.match(warned(got(listOf([never])), '1.0.0'), /1\.0\.0 was not measured\..*not known.*Nothing follows/s);
    const uncounted = { running: { version: '1.2.0', robots: 0, success: unknown } };
    for (const state of ['unreadable', 'noFacts'] as const) {
      const list = got(listOf([never], { ...uncounted, state, asOfMs: null }));
      assert.match(shown(list), /cannot be counted now|not known\./);
      assert.match(warned(list, '1.0.0'), /not known/);
    }
    const alone = listOf([targetOf('1.0.0', { difference: unknown })], uncounted);
    assert.match(warned(got(alone), '1.0.0'), /not known.*1\.2\.0: Success not measured/s);
  });

  it('warns of one that was taken back itself, and of one whose trial ended against it', () => {
    const takenBack = {
      atMs: nowMs - dayMs,
      version: '1.1.0',
      replaced: '1.3.0',
      way: 'putBack',
      who: 'bo',
      why: 'smoke',
    } as const;
    const trial = {
      trialId: 't1',
      atMs: nowMs - dayMs,
      isAgainst: true,
      sentence: '1.3.0 was not promoted: harm in docking.',
    };
    const list = got(listOf([targetOf('1.3.0', { takenBack, trial })]));
    // It was taken back, and yet it measured better: one without the other would mislead.
    assert.match(
      warned(list, '1.3.0'),
      /itself taken back .*1\.1\.0 was put back by bo: smoke\. Yet it measured better than what runs now\. 1\.3\.0: Success 90 %.*n 900.*1\.2\.0: Success 82 %.*n 400.*\+8 pp \[\+4 pp to \+12 pp\].*ended against it.*harm in docking/s,
    );
    const low = targetOf('1.3.0', { takenBack, difference: value(-0.11, 400, -0.15, -0.07) });
    assert.doesNotMatch(warned(got(listOf([low])), '1.3.0'), /measured better/);
    assert.match(shown(list), /⚠ was taken back; its last trial ended against it</);
    const fine = targetOf('1.3.0', { trial: { ...trial, isAgainst: false } });
    assert.equal(warned(got(listOf([fine])), '1.3.0'), '');
  });

  it('looks different when nothing is read yet, none is there, or it cannot be read; then a name can be typed', () => {
    assert.deepEqual(statesOf(shown(unread)), ['loading']);
    assert.doesNotMatch(shown(unread), /type="text"/);
    const empty = shown(got(listOf([])));
    assert.deepEqual(statesOf(empty), ['empty']);
    assert.doesNotMatch(empty, /type="text"/);
    const refused = shown({ ...unread, problem: { kind: 'refused', type: 'storeUnavailable', message: 'm' } });
    assert.deepEqual(statesOf(refused), ['refused']);
    assert.match(refused, /cannot be had now: name a version.*type="text" required/s);
    const gone = {
      data: listOf([targetOf('1.1.0')]),
      readMs: nowMs - 600_000,
      problem: { kind: 'gone', message: 'm' },
    } as const;
    assert.match(shown(gone), /10 min old/);
    const many = shown(got(listOf([targetOf('1.1.0')], { total: 40 })));
    assert.match(many, /Another one of 40: name a version/);
    assert.match(warned(got(listOf([targetOf('1.1.0')])), '0.1.0'), /Nothing is known here of 0\.1\.0/);
  });

  it('says the same to who rolls back at once, and to who approves one', () => {
    const worse = targetOf('1.1.0', { difference: value(-0.11, 400, -0.15, -0.07) });
    const list = got(listOf([worse]));
    assert.match(shown(list, '', now), /<strong>1\.1\.0<\/strong>: <strong>⚠ Measured worse.*90 %.*⚠.*measured worse/s);
    assert.match(shown(got(listOf([worse], { unnamed: null })), '', now), /nothing to go back to/);
    const waiting = { requestId: 'r-1', who: 'bo', reason: 'r', version: '1.1.0' };
    const run = { workflowId: 'w', run: 'RUNNING', startedMs: 1, endedMs: null, status: { waiting } };
    const rest = { now: null, trial: null, abTest: null, rollout: null, order: null, champion: null, previous: null };
    const answer = { ...rest, readAtMs: nowMs, rollback: run, freeze: { kind: 'none' } } as const;
    const [approve] = trialActs(answer, 'wall', { name: 'ada', role: 'approver' }) as [OfferedAct];
    assert.match(
      shown(list, '', approve),
      /Approve rollback.*<strong>1\.1\.0<\/strong>: <strong>⚠ Measured worse.*90 %.*measured worse/s,
    );
    assert.match(shown(got(listOf([])), '', approve), /Nothing is known here of 1\.1\.0/);
  });

  it('never makes markup of what people and files wrote', () => {
    const bad = { ...spell, who: hostile, why: hostile };
    const target = targetOf(hostile, {
      aliases: [hostile],
      spells: [bad],
      takenBack: { ...bad, replaced: hostile, version: hostile },
      trial: { trialId: hostile, atMs: 1, isAgainst: true, sentence: hostile },
    });
    const text = shown(got(listOf([target], { damaged: [hostile] })), hostile);
    assert.doesNotMatch(text, /<img|<script|="">/);
    assert.ok(text.split('&quot;>&lt;img').length > 8);
  });
});
