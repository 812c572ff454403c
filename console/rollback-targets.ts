import { setTimeout as sleep } from 'node:timers/promises';

import { spanOf } from '../activities/metrics/read-metrics.ts';
import { readVersionSuccess, type VersionSuccess } from '../activities/metrics/version-success.ts';
import { listEndedTrials, type EndedTrial } from '../activities/trials/trial-course.ts';
import { differenceOf, type Metric } from '../domain/metrics/index.ts';
import {
  aliasesAt,
  championChanges,
  championSpells,
  type Aliases,
  type ChampionChange,
  type ChampionSpell,
} from '../domain/registry/index.ts';
import { chooseRollback, isAgainst, rollbackTargets } from '../domain/trial/index.ts';
import { trialsOf } from '../fleet/desk/index.ts';
import { inParallel } from '../store/in-parallel.ts';
import { readAliasHistory } from '../store/records/aliases.ts';
import type { RollbackTargetsAnswer } from './answers/rollback-targets.ts';
import type { ConsoleContext } from './context.ts';
import type { EndSentences } from '../activities/trials/trial-sentences.ts';

const mostTargets = 20;
const mostSpells = 5;
const mostTrials = 100;
const readsAtOnce = 8;
const days = { defaultDays: 92, mostDays: 92 };

type Target = RollbackTargetsAnswer['targets'][number];

/** Where a rollback of a policy can go now, by the rule that decides it, and what is known of each version. What cannot be counted is unknown, and is no reason to offer less. */
export async function readRollbackTargets(
  context: ConsoleContext,
  policy: string,
  sentences: EndSentences,
): Promise<RollbackTargetsAnswer> {
  const keys: string[] = [];
  const [{ current }, history, ends] = await Promise.all([
    context.fleet.readAssignments(policy),
    readAliasHistory(context)({ policy }),
    listEndedTrials(context.store, policy, mostTrials, ({ key }) => void keys.push(key)),
  ]);
  const aliases = aliasesAt(history);
  const openTrialId = current === undefined ? undefined : [...trialsOf(current.record)][0];
  const facts = { history, aliases, openTrialId, assigned: current?.record };
  const found = rollbackTargets(facts);
  const shown = found.filter(({ version }, index) => index < mostTargets || version === aliases.baseline);
  const running = current?.record.defaultVersion ?? aliases.champion;
  const measured = await measure(context, policy, [...shown.map(({ version }) => version), running]);
  const spells = championSpells(championChanges(policy, history));
  const runs = running === undefined ? null : { version: running, ...measured.of(running) };
  const unnamed = chooseRollback({ ...facts, target: undefined });
  const targets = await inParallel(shown, readsAtOnce, async ({ version, choice }): Promise<Target> => {
    const own = measured.of(version);
    return {
      version,
      aliases: namesOf(aliases, version),
      choice: choice.kind,
      ...spellsOf(spells, version),
      ...own,
      difference: runs === null ? nothingRuns : differenceOf(runs.success, own.success),
      trial: await lastTrialOf(ends, version, sentences),
    };
  });
  const { from, to, state, asOfMs } = measured;
  return {
    readAtMs: context.clock(),
    damaged: keys,
    policy,
    running: runs,
    unnamed: unnamed.kind === 'nothing' ? null : { version: unnamed.version, endsTrial: unnamed.kind === 'endTrial' },
    from,
    to,
    state,
    asOfMs,
    targets: [...targets],
    total: found.length,
  };
}

const nothingRuns: Metric = { kind: 'noData', why: 'nothing is ordered yet that it could be compared with' };
const notCounted: VersionSuccess = { robots: 0, success: { kind: 'noData', why: 'it cannot be counted now' } };
const noEpisode: VersionSuccess = { robots: 0, success: { kind: 'noData', why: 'no counted episode' } };

interface Measured extends Pick<RollbackTargetsAnswer, 'from' | 'to' | 'state' | 'asOfMs'> {
  readonly of: (version: string) => VersionSuccess;
}

/** Whoever is about to roll back waits no longer than this for what is only to be weighed. */
const measuredWithinMs = 4_000;

/** A rollback takes robots from harm: that nobody can count now how well versions did must not hide where it can go. */
async function measure(
  context: ConsoleContext,
  policy: string,
  versions: readonly (string | undefined)[],
): Promise<Measured> {
  const span = spanOf({}, context.clock(), days);
  const asked = [...new Set(versions.filter((version) => version !== undefined))];
  const limitMs = Math.min(measuredWithinMs, context.questionLimitMs ?? measuredWithinMs);
  const late = sleep(limitMs, undefined, { ref: false }).then(() => {
    throw new Error(`not counted within ${limitMs} ms`);
  });
  try {
    const counting = context.questions.ask((engine) =>
      readVersionSuccess({ ...context, engine }, { policy, versions: asked, ...span }),
    );
    const { versions: told, ...answer } = await Promise.race([counting, late]);
    return { ...span, ...answer, of: (version) => told.get(version) ?? noEpisode };
  } catch (error) {
    context.log.warn({ err: error, policy }, 'how well versions did cannot be counted');
    return { ...span, state: 'unreadable', asOfMs: null, of: () => notCounted };
  }
}

const namesOf = (aliases: Aliases, version: string): string[] =>
  Object.entries(aliases).flatMap(([name, of]) => (of === version ? [name] : []));

function spellsOf(
  spells: readonly ChampionSpell[],
  version: string,
): Pick<Target, 'spells' | 'spellsTotal' | 'takenBack'> {
  const own = spells.filter(({ began }) => began.version === version).toReversed();
  const ended = own[0]?.ended ?? null;
  return {
    spells: own.slice(0, mostSpells).map(({ began: { atMs, way, who, why }, ended: end }) => ({
      atMs,
      untilMs: end?.atMs ?? null,
      version,
      way,
      who,
      why,
    })),
    spellsTotal: own.length,
    takenBack: ended !== null && isBack(ended) ? changeAnswer(ended) : null,
  };
}

const isBack = ({ way }: ChampionChange): boolean => way === 'putBack' || way === 'trialReturn';

/** A change as answers have it. */
const changeAnswer = ({ atMs, version, replaced, way, who, why }: ChampionChange) => ({
  atMs,
  version,
  replaced,
  way,
  who,
  why,
});

async function lastTrialOf(
  ends: readonly EndedTrial[],
  version: string,
  sentences: EndSentences,
): Promise<Target['trial']> {
  const end = ends.findLast(({ candidateVersion }) => candidateVersion === version);
  if (end === undefined) return null;
  const { trialId, atMs, sentence } = await sentences.of(end);
  return { trialId, atMs, isAgainst: isAgainst(end), sentence };
}
