import type { z } from 'zod';

import { measuredOf, reasonOf, toldVerdictSchema, type ToldVerdict } from '../activities/trials/told-verdicts.ts';
import { trialKeys } from '../activities/trials/trial-keys.ts';
import { plainReason } from '../domain/words/plain-reason.ts';
import { fleetClock, readyAtMs, stageNeeds, type StageTick } from '../domain/trial/index.ts';
import { readSoundJson, type OnDamage } from '../store/damaged-objects.ts';
import { inParallel } from '../store/in-parallel.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { TrialNow } from './answers/trials.ts';
import type { RunView } from './loop-view.ts';
import {
  shownPlanSchema,
  type ShownPlan,
  abTestSchema,
  rolloutSchema,
  tickSchema,
  type AbTestSaid,
  type LookSaid,
  type RolloutSaid,
  type Tick,
} from './trial-status.ts';

const hourMs = 3_600_000;
/** Ticks that say the present rate, and the one before them. */
const ticksRead = 13;

/**
 * What runs now, for people: one state, the stages, and what the present one still needs. Of both that a policy has, the one that runs. null: neither runs, it does
 * not say what it is, or its plan cannot be read. Reads the plan and at most 13 verdicts.
 */
export async function readTrialNow(
  store: ObjectStore,
  { abTest, rollout }: { readonly abTest: RunView | null; readonly rollout: RunView | null },
  onDamage: OnDamage,
): Promise<TrialNow | null> {
  if (rollout?.run === 'RUNNING') {
    const { data: said } = rolloutSchema.safeParse(rollout.status);
    const plan = said && (await readPlan(store, said.trialId, onDamage));
    return said && plan ? rolloutNow(plan, rollout, said, await lastTicks(store, said, onDamage)) : null;
  }
  if (abTest?.run !== 'RUNNING') return null;
  const { data: said } = abTestSchema.safeParse(abTest.status);
  const plan = said && (await readPlan(store, said.trialId, onDamage));
  if (!said || !plan) return null;
  const ticks = await lastTicks(store, said, onDamage, 1);
  const look = said.look && (await readVerdict(store, said.trialId, said.look.verdictKey, toldVerdictSchema, onDamage));
  return abTestNow(plan, abTest, said, { tick: ticks.at(-1), look, lookedMs: look?.asked?.nowMs ?? null });
}

const readPlan = (store: ObjectStore, id: string, onDamage: OnDamage): Promise<ShownPlan | undefined> =>
  readSoundJson(store, trialKeys.plan(id), shownPlanSchema, onDamage);

/** A verdict of this trial alone, whatever key it names. */
async function readVerdict<T>(
  store: ObjectStore,
  id: string,
  key: string,
  schema: z.ZodType<T>,
  onDamage: OnDamage,
): Promise<T | undefined> {
  return /^(tick|look)-\d{4,8}\.json$/.test(key.slice(`trials/${id}/verdicts/`.length)) &&
    key.startsWith(`trials/${id}/verdicts/`)
    ? readSoundJson(store, key, schema, onDamage)
    : undefined;
}

/** The last verdicts of the guard, oldest first. */
async function lastTicks(
  store: ObjectStore,
  { trialId: id, tick }: { readonly trialId: string; readonly tick?: { readonly verdictKey: string } | undefined },
  onDamage: OnDamage,
  most = ticksRead,
): Promise<readonly Tick[]> {
  const [, last] = /\/tick-(\d{8})\.json$/.exec(tick?.verdictKey ?? '') ?? [];
  if (last === undefined) return [];
  const first = Math.max(0, Number(last) - most + 1);
  const numbers = Array.from({ length: Number(last) - first + 1 }, (_, at) => first + at);
  const ticks = await inParallel(numbers, ticksRead, (number) =>
    readVerdict(store, id, trialKeys.tick(id, number), tickSchema, onDamage),
  );
  return ticks.filter((one) => one !== undefined);
}

/** A real time of a fleet time. */
const realOf = (plan: ShownPlan, fleetMs: number): number => {
  const clock = fleetClock(plan.times);
  return plan.createdAtMs + clock.realMs((fleetMs - clock.fleetMs(plan.createdAtMs)) / hourMs);
};

type Standing = TrialNow['standing'];

/** States in which a verdict of the guard says how it stands; in all others the state itself does. */
const watchedKinds: ReadonlySet<string> = new Set(['watching', 'held', 'holdback']);
const standingOfKind = new Map<string, Standing>([
  ['planned', 'starting'],
  ['exposing', 'starting'],
  ['paused', 'paused'],
  ['awaitingApproval', 'waitsForApproval'],
  ['returning', 'returning'],
  ['held', 'held'],
]);

function rolloutNow(
  plan: ShownPlan,
  { startedMs }: RunView,
  { state, rows }: RolloutSaid,
  ticks: readonly Tick[],
): TrialNow {
  const ofStage = ticks.filter(({ asked }) => asked.stage === state.stage);
  const last = watchedKinds.has(state.kind) ? ofStage.at(-1) : undefined;
  const standing =
    last === undefined
      ? (standingOfKind.get(state.kind) ?? 'running')
      : last.result.verdict === 'hold'
        ? 'held'
        : 'running';
  const stage = plan.stages[state.stage];
  const { minimumEpisodes } = plan.rolloutLimits.advance;
  const needs =
    stage === undefined
      ? []
      : stageNeeds(ofStage.map(tickOf), {
          minimumEpisodes,
          minimumHours: stage.minimumHours,
          minimumTotalHours: plan.rolloutLimits.stages[state.stage]?.minimumTotalHours ?? 0,
          marginFraction: stage.marginFraction,
        });
  const atMs = last?.asked.nowMs ?? realOf(plan, state.atMs);
  const isWatched = watchedKinds.has(state.kind);
  return {
    ...namesOf(plan, startedMs),
    standing,
    reason: last === undefined ? plainReason(state.reason) : reasonOf(plan, last),
    atMs,
    stages: plan.stages.map((each, index) => {
      const row = rows.find((one) => one.stage === index);
      return {
        robots: each.robots,
        minimumHours: each.minimumHours,
        maximumHours: each.maximumHours,
        marginFraction: each.marginFraction,
        needsApproval: plan.approvalBefore.includes(index),
        standing: stageStanding(index, state, standing),
        verdict: row
          ? { lowerBound: row.lowerBound, robots: row.reportingRobots, episodes: row.episodes }
          : index === state.stage && last !== undefined
            ? { lowerBound: last.result.lowerBound, robots: last.result.robots, episodes: last.result.episodes }
            : null,
      };
    }),
    needs: isWatched ? [...needs] : [],
    readyAtMs: isWatched ? readyAtMs(needs, atMs) : null,
    evidence: evidenceOf(ofStage.at(-1)),
    // What the stage before measured is no figure of this one.
    measured: measuredBy(plan, ofStage.at(-1)),
    looks: null,
  };
}

/** How a stage stands: by the one that runs, which is passed too where an approval of the next one is waited for. */
function stageStanding(
  index: number,
  { stage, wantedExposure }: RolloutSaid['state'],
  standing: Standing,
): TrialNow['stages'][number]['standing'] {
  const coming = wantedExposure > 0 ? stage + 1 : stage;
  if (standing === 'waitsForApproval')
    return index < coming ? 'passed' : index === coming ? 'waitsForApproval' : 'coming';
  if (index < stage) return 'passed';
  if (index > stage) return 'coming';
  return standing === 'starting' ? 'running' : standing;
}

const measuredBy = (plan: ShownPlan, told: ToldVerdict | undefined): TrialNow['measured'] => {
  const atMs = told?.asked?.nowMs;
  return told === undefined || atMs === undefined ? null : { ...measuredOf(plan, told), atMs };
};

const evidenceOf = (tick: Tick | undefined): TrialNow['evidence'] => [...(tick?.verdict?.evidence ?? [])];

const tickOf = ({ asked, result }: Tick): StageTick => ({
  atMs: asked.nowMs,
  hoursInStage: asked.hoursInStage,
  hoursTotal: asked.hoursTotal,
  episodes: result.episodes,
  delta: result.delta,
  lowerBound: result.lowerBound,
});

const namesOf = (
  { kind, trialId: id, candidateVersion, championVersion, times }: ShownPlan,
  startedMs: number,
): Pick<TrialNow, 'kind' | 'trialId' | 'candidateVersion' | 'championVersion' | 'dayMs' | 'startedMs'> => ({
  kind,
  trialId: id,
  candidateVersion,
  championVersion,
  dayMs: times.dayMs,
  startedMs,
});

function abTestNow(
  plan: ShownPlan,
  { startedMs }: RunView,
  { progress, look }: AbTestSaid,
  {
    tick,
    look: looked,
    lookedMs,
  }: { readonly tick: Tick | undefined; readonly look: ToldVerdict | undefined; readonly lookedMs: number | null },
): TrialNow {
  const isWatched = progress.kind === 'watching';
  const isHeld = isWatched && tick?.result.verdict === 'hold' && tick.asked.nowMs >= (lookedMs ?? 0);
  const planned = plan.abTest?.looks ?? progress.looksDone;
  const dueMs = (progress.looksDone + 1) * (plan.abTest?.lookHours ?? 0) * hourMs - progress.watchedMs;
  const nextMs = realOf(plan, progress.atMs) + fleetClock(plan.times).realMs(dueMs / hourMs);
  const byLook =
    isWatched && look !== undefined
      ? { reason: looked === undefined ? plainReason(look.reason) : reasonOf(plan, looked), atMs: lookedMs }
      : undefined;
  const said = isHeld ? { reason: reasonOf(plan, tick), atMs: tick.asked.nowMs } : byLook;
  return {
    ...namesOf(plan, startedMs),
    standing: isHeld ? 'held' : (standingOfKind.get(progress.kind) ?? 'running'),
    reason: said?.reason ?? plainReason(progress.reason),
    atMs: said === undefined ? realOf(plan, progress.atMs) : said.atMs,
    stages: [],
    needs: [],
    readyAtMs: null,
    evidence: evidenceOf(tick),
    // The newer of both: between looks the guard judges.
    measured: measuredBy(plan, tick !== undefined && tick.asked.nowMs > (lookedMs ?? 0) ? tick : looked),
    looks: {
      done: progress.looksDone,
      planned,
      nextAtMs: isWatched && progress.looksDone < planned ? Math.round(nextMs) : null,
      last: look === undefined ? null : lastLook(look, lookedMs),
    },
  };
}

const lastLook = (
  { decision, delta, low, high, information, z: score, bound, candidateEpisodes, controlEpisodes }: LookSaid,
  atMs: number | null,
): NonNullable<NonNullable<TrialNow['looks']>['last']> => ({
  atMs,
  decision,
  delta,
  low,
  high,
  information,
  z: score,
  bound,
  candidateEpisodes,
  controlEpisodes,
});
