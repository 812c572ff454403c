import { z } from 'zod';

import type { EndedTrial } from '../activities/trials/trial-course.ts';
import { trialKeys } from '../activities/trials/trial-keys.ts';
import { endSentence, type EndEffect } from '../domain/trial/index.ts';
import { readSoundJson, type OnDamage } from '../store/damaged-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EndedTrialsAnswer } from './answers/trials.ts';

/** Of a plan, whichever version wrote it, what the pages need to name what it compares. */
const planSchema = z.object({
  kind: z.enum(['abTest', 'rollout']),
  policy: z.string(),
  candidateVersion: z.string(),
  championVersion: z.string(),
  createdAtMs: z.number(),
  robots: z.array(z.object({ robotId: z.string() })),
  stages: z.array(z.unknown()).default([]),
  taskLimits: z.object({ marginFraction: z.number() }).optional(),
});
export type ShownPlan = z.infer<typeof planSchema>;

const number = z.number().nullable().default(null);
const verdictSchema = z.object({
  asked: z
    .object({
      nowMs: z.number(),
      stage: z.int().optional(),
      exposures: z.array(z.object({ robots: z.int() })).default([]),
      faultyRobots: z.array(z.string()).default([]),
    })
    .optional(),
  result: z.object({
    reason: z.string(),
    delta: z.number(),
    low: number,
    high: number,
    lowerBound: number,
    episodes: number,
    candidateEpisodes: number,
    controlEpisodes: number,
  }),
  verdict: z.object({ controlEpisodes: number }).optional(),
  tasks: z
    .object({
      block: z.array(z.string()).default([]),
      perTask: z
        .array(
          z.object({
            task: z.string(),
            delta: z.number(),
            episodes: z.object({ candidate: z.number(), control: z.number() }),
          }),
        )
        .default([]),
    })
    .optional(),
});
type Verdict = z.infer<typeof verdictSchema>;

export interface LastVerdicts {
  readonly plan: ShownPlan | undefined;
  readonly tick: Verdict | undefined;
  readonly look: Verdict | undefined;
}

/** The plan of a trial, and the last verdict of each kind. Lists its verdicts, and reads two. */
export async function readLastVerdicts(store: ObjectStore, trialId: string, onDamage: OnDamage): Promise<LastVerdicts> {
  const last = new Map<string, string>();
  for await (const { key } of store.list(`trials/${trialId}/verdicts/`)) {
    const [, kind] = /\/verdicts\/(tick|look)-\d+\.json$/.exec(key) ?? [];
    // Numbers have leading zeros.
    if (kind !== undefined && key > (last.get(kind) ?? '')) last.set(kind, key);
  }
  const readLast = (kind: 'tick' | 'look'): Promise<Verdict | undefined> => {
    const key = last.get(kind);
    return key === undefined ? Promise.resolve(undefined) : readSoundJson(store, key, verdictSchema, onDamage);
  };
  const [plan, tick, look] = await Promise.all([
    readSoundJson(store, trialKeys.plan(trialId), planSchema, onDamage),
    readLast('tick'),
    readLast('look'),
  ]);
  return { plan, tick, look };
}

/** Trials that ended do not change: their sentences are kept. */
const remembered = 500;
const mostHarm = 5;

/** Says how trials ended in plain sentences; reads of each once. */
export class EndSentences {
  readonly #store: ObjectStore;
  readonly #known = new Map<string, EndedTrialsAnswer['items'][number]>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async of(end: EndedTrial): Promise<EndedTrialsAnswer['items'][number]> {
    const known = this.#known.get(end.trialId);
    if (known?.atMs === end.atMs) return known;
    let isSound = true;
    const said = itemOf(end, await readLastVerdicts(this.#store, end.trialId, () => void (isSound = false)));
    if (this.#known.size >= remembered) this.#known.clear();
    if (isSound) this.#known.set(end.trialId, said);
    return said;
  }
}

function itemOf(end: EndedTrial, { plan, tick, look }: LastVerdicts): EndedTrialsAnswer['items'][number] {
  const blocked = new Set(tick?.tasks?.block ?? []);
  const harm = (tick?.tasks?.perTask ?? []).filter(({ task }) => blocked.has(task)).slice(0, mostHarm);
  return {
    ...end,
    kind: plan?.kind ?? null,
    championVersion: plan?.championVersion ?? null,
    stage: plan?.kind === 'rollout' ? (tick?.asked?.stage ?? null) : null,
    sentence: endSentence({
      ...end,
      championVersion: plan?.championVersion ?? null,
      effect: look === undefined ? null : effectOf(look),
      harm: harm.map(({ task, delta, episodes }) => ({ task, delta, ...episodes })),
      taskMarginFraction: plan?.taskLimits?.marginFraction ?? null,
      stages: plan?.kind === 'rollout' ? plan.stages.length : 0,
    }),
  };
}

const effectOf = ({ result, verdict }: Verdict): EndEffect => ({
  delta: result.delta,
  low: result.low ?? result.lowerBound,
  high: result.high,
  candidate: result.candidateEpisodes ?? result.episodes ?? 0,
  control: result.controlEpisodes ?? verdict?.controlEpisodes ?? null,
});
