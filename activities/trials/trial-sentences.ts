import { endSentence } from '../../domain/words/end-words.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  measuredOf,
  sentenceOf,
  toldPlanSchema,
  toldVerdictSchema,
  type ToldPlan,
  type ToldVerdict,
} from './told-verdicts.ts';
import type { EndedTrial } from './trial-course.ts';
import { trialKeys } from './trial-keys.ts';

export interface LastVerdicts {
  readonly plan: ToldPlan | undefined;
  readonly tick: ToldVerdict | undefined;
  readonly look: ToldVerdict | undefined;
}

/** Verdicts of the guard that are looked at for the one that ended a trial: it goes on judging while robots are on their way back. */
const ticksTried = 40;
const readsAtOnce = 8;

/**
 * The plan of a trial, and the last verdict of each kind; of one that an alarm ended with `alarm` as its reason, the verdict that said so, where it is among the last 40. Lists
 * its verdicts, and reads two, or as many as it takes to find that one.
 */
export async function readLastVerdicts(
  store: ObjectStore,
  trialId: string,
  onDamage: OnDamage,
  alarm?: string,
): Promise<LastVerdicts> {
  const last = new Map<string, string>();
  for await (const { key } of store.list(`trials/${trialId}/verdicts/`)) {
    const [, kind] = /\/verdicts\/(tick|look)-\d+\.json$/.exec(key) ?? [];
    // Numbers have leading zeros.
    if (kind !== undefined && key > (last.get(kind) ?? '')) last.set(kind, key);
  }
  const readLast = (kind: 'tick' | 'look'): Promise<ToldVerdict | undefined> => {
    const key = last.get(kind);
    return key === undefined ? Promise.resolve(undefined) : readSoundJson(store, key, toldVerdictSchema, onDamage);
  };
  const [plan, tick, look] = await Promise.all([
    readSoundJson(store, trialKeys.plan(trialId), toldPlanSchema, onDamage),
    readLast('tick'),
    readLast('look'),
  ]);
  const isOther = alarm !== undefined && tick !== undefined && !isAlarm(tick, alarm);
  return { plan, tick: (isOther ? await alarmBefore(store, last.get('tick') ?? '', alarm) : undefined) ?? tick, look };
}

const isAlarm = ({ result }: ToldVerdict, reason: string): boolean =>
  result.verdict === 'rollback' && result.reason === reason;

/** The newest verdict before `key` that raised the alarm with this reason. */
async function alarmBefore(store: ObjectStore, key: string, alarm: string): Promise<ToldVerdict | undefined> {
  const [, trialId = '', last = '0'] = /^trials\/([^/]+)\/verdicts\/tick-(\d{1,8})\.json$/.exec(key) ?? [];
  for (let before = Number(last); before > Math.max(0, Number(last) - ticksTried); before -= readsAtOnce) {
    const numbers = Array.from({ length: readsAtOnce }, (_, at) => before - 1 - at).filter((one) => one >= 0);
    const ticks = await inParallel(numbers, readsAtOnce, (one) =>
      readSoundJson(store, trialKeys.tick(trialId, one), toldVerdictSchema, () => undefined),
    );
    const found = ticks.find((tick) => tick !== undefined && isAlarm(tick, alarm));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An ended trial with its sentence. */
export interface ToldEnd extends EndedTrial {
  /** What it was, of which champion, and in which stage a rollout ended, from 0; null: its plan or its verdicts do not say. */
  readonly kind: 'abTest' | 'rollout' | null;
  readonly championVersion: string | null;
  readonly stage: number | null;
  /** How it ended, in one plain sentence. */
  readonly sentence: string;
}

/** Trials that ended do not change: their sentences are kept. */
const remembered = 500;

/** Says how trials ended in plain sentences; reads of each once. */
export class EndSentences {
  readonly #store: ObjectStore;
  readonly #known = new Map<string, ToldEnd>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async of(end: EndedTrial): Promise<ToldEnd> {
    const known = this.#known.get(end.trialId);
    if (known?.atMs === end.atMs) return known;
    let isSound = true;
    const last = await readLastVerdicts(
      this.#store,
      end.trialId,
      () => void (isSound = false),
      guardEnds.has(end.outcome) ? end.reason : undefined,
    );
    const said = toldEnd(end, last);
    if (this.#known.size >= remembered) this.#known.clear();
    if (isSound) this.#known.set(end.trialId, said);
    return said;
  }
}

/** How trials ended, each in its sentence. */
export function toldEnds(store: ObjectStore, ends: readonly EndedTrial[]): Promise<readonly ToldEnd[]> {
  const sentences = new EndSentences(store);
  return inParallel(ends, readsAtOnce, (end) => sentences.of(end));
}

/** Decisions of a look that end a test. */
const lookEnds: ReadonlySet<string> = new Set(['accept', 'acceptEquivalent', 'reject', 'block']);
const guardEnds: ReadonlySet<string> = new Set(['harmful', 'rolledBack']);

function toldEnd(end: EndedTrial, { plan, tick, look }: LastVerdicts): ToldEnd {
  const stage = plan?.kind === 'rollout' ? (tick?.asked?.stage ?? null) : null;
  // What an operator wants ends it with another reason than the verdict that stands last.
  const isByAlarm = guardEnds.has(end.outcome) && tick !== undefined && isAlarm(tick, end.reason);
  const isDecided = look?.result.decision === end.outcome && lookEnds.has(end.outcome);
  const decider = isDecided ? look : isByAlarm ? tick : undefined;
  const last = look !== undefined && plan?.kind === 'abTest' ? look : tick;
  return {
    ...end,
    reason: plainReason(end.reason),
    kind: plan?.kind ?? null,
    championVersion: plan?.championVersion ?? null,
    stage,
    sentence: endSentence({
      ...end,
      championVersion: plan?.championVersion ?? null,
      decided: plan === undefined || decider === undefined ? null : sentenceOf(plan, decider),
      measured: plan === undefined || last === undefined ? null : measuredOf(plan, last),
      place:
        plan === undefined
          ? null
          : plan.kind === 'abTest'
            ? { kind: 'abTest' }
            : { kind: 'rollout', stage: stage ?? 0, stages: Math.max(1, plan.stages.length) },
    }),
  };
}
