import { z } from 'zod';

import { gateSchema } from '../../activities/evaluation/evaluation-document.ts';
import { listEndedTrials } from '../../activities/trials/trial-course.ts';
import { toldEnds } from '../../activities/trials/trial-sentences.ts';
import { requireJson } from '../../store/json-objects.ts';
import { CommandError } from '../exit-codes.ts';
import { instant, measured, type Explanation, type Question, type Reason } from './reason.ts';
import { endText, runningTrials } from './trial.ts';

const count = z.number().default(0);
/** Of a report what says why, whichever version wrote it. */
const reportSchema = z.object({
  policy: z.string(),
  outcome: z.string(),
  reason: z.string(),
  cause: z.string().default('unknown'),
  writtenAtMs: z.number(),
  candidateVersion: z.string().nullable().default(null),
  championVersion: z.string().nullable().default(null),
  collection: z
    .object({
      verdict: z.string(),
      episodesStored: count,
      quarantinedEpisodes: count,
      quarantinedSegments: count,
      rules: z.array(z.object({ id: z.string(), doc: z.string().default(''), refused: count })).default([]),
    })
    .nullable()
    .default(null),
  mix: z.object({ newFrames: count, historyFrames: count }).nullable().default(null),
  evaluation: z
    .object({ frames: count, episodes: count, gates: z.array(gateSchema.partial()).default([]) })
    .nullable()
    .default(null),
});
type Report = z.infer<typeof reportSchema>;

const mostEnded = 200;
const mostListed = 20;

/** Why a cycle ended as it did: what was refused, which gate rejected, and what became of its candidate. */
export async function whyCycle(question: Question, cycleId: string): Promise<Explanation> {
  const { policy } = question;
  const report = await requireJson(
    question.context.store,
    `reports/${cycleId}.json`,
    reportSchema,
    `there is no report of a cycle ${cycleId}`,
  );
  if (report.policy !== policy)
    throw new CommandError('wrong', `expected a cycle of policy ${policy}, ${cycleId} is one of ${report.policy}`);
  return {
    kind: 'cycle',
    subject: cycleId,
    answer: `the cycle ended as ${report.outcome} at ${instant(report.writtenAtMs)}: ${report.reason}`,
    reasons: [
      { sentence: `it was started: ${report.cause}`, see: `flywheel cycle list --policy ${policy}` },
      ...collected(report),
      ...judged(report, policy),
      ...(await tried(question, report)),
    ],
  };
}

/** The reports whose names a cycle's workflow id may stand for, newest last; report ids end with a part of the run's id. */
export async function cycleIdsOf({ context, what }: Question): Promise<readonly string[]> {
  const tail = what.startsWith('cycle/') ? what.slice('cycle/'.length) : what;
  const name = tail.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 100);
  const found: { readonly cycleId: string; readonly modifiedMs: number }[] = [];
  if (name === '') return [];
  for await (const { key, modifiedMs } of context.store.list(`reports/${name}`)) {
    const cycleId = /^reports\/([^/]+)\.json$/.exec(key)?.[1];
    if (cycleId === name || (cycleId?.startsWith(`${name}-`) === true && what.startsWith('cycle/')))
      found.push({ cycleId, modifiedMs });
  }
  return found.toSorted((a, b) => a.modifiedMs - b.modifiedMs).map(({ cycleId }) => cycleId);
}

function collected({ collection, mix }: Report): readonly Reason[] {
  if (collection === null) return [{ sentence: 'it ended before anything was collected' }];
  const { verdict, episodesStored, quarantinedEpisodes, quarantinedSegments, rules } = collection;
  const refused = rules.filter((rule) => rule.refused > 0).toSorted((a, b) => b.refused - a.refused);
  return [
    {
      sentence: `its collection is ${verdict}: ${episodesStored} episodes stored, ${quarantinedEpisodes} episodes and ${quarantinedSegments} segments refused`,
      sample: `${episodesStored + quarantinedEpisodes} episodes`,
      see: 'flywheel data quarantine',
    },
    ...refused.slice(0, mostListed).map(({ id, doc, refused: value }) => ({
      sentence: `the rule ${id} refused ${value}${doc === '' ? '' : `: ${doc}`}`,
      ...measured(value, 0, 'refused'),
    })),
    ...(mix === null
      ? []
      : [{ sentence: `it trained on ${mix.newFrames + mix.historyFrames} frames, ${mix.newFrames} of them new` }]),
  ];
}

function judged({ evaluation }: Report, policy: string): readonly Reason[] {
  if (evaluation === null) return [{ sentence: 'no candidate was judged' }];
  const failed = evaluation.gates.filter(({ outcome }) => outcome === 'fail');
  const sample = `${evaluation.frames} held-out frames of ${evaluation.episodes} episodes`;
  if (failed.length === 0) return [{ sentence: `all ${evaluation.gates.length} offline gates let it pass`, sample }];
  return failed.slice(0, mostListed).map(({ id = 'unknown', sentence = '', value, limit, unit, sampleSize }) => ({
    sentence: `the gate ${id} did not let it pass: ${sentence}`,
    ...measured(value, limit, unit),
    sample: sampleSize === undefined ? sample : String(sampleSize),
    see: `flywheel models held --policy ${policy}`,
  }));
}

async function tried(question: Question, { candidateVersion }: Report): Promise<readonly Reason[]> {
  const { context, policy, onDamage } = question;
  if (candidateVersion === null) return [];
  const ends = await listEndedTrials(context.store, policy, mostEnded, onDamage);
  const own = ends.filter((end) => end.candidateVersion === candidateVersion);
  const see = `flywheel why ${candidateVersion} --policy ${policy}`;
  if (own.length > 0) return (await toldEnds(context.store, own)).map((end) => ({ sentence: endText(end), see }));
  const onTrial = (await runningTrials(question)).length > 0 ? '; a trial of the policy runs' : '';
  return [{ sentence: `its candidate is ${candidateVersion}, and no trial of it has ended${onTrial}`, see }];
}
