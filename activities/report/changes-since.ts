import type { CycleBefore } from './cycle-before.ts';

type Told = number | null | undefined;

/** What of a report is compared with the one before, whichever version wrote it. */
export interface ComparedReport {
  readonly collection: {
    readonly episodesStored?: Told;
    readonly framesStored?: Told;
    readonly failuresStored?: Told;
    readonly quarantinedEpisodes?: Told;
  } | null;
  readonly mix: { readonly needsLabelFrames?: Told } | null;
  readonly training: { readonly steps?: Told } | null;
  readonly evaluation: {
    readonly accuracyFraction?: Told;
    readonly championFraction?: Told;
    readonly frames?: Told;
    readonly tasks: readonly { readonly task: string; readonly agreementFraction: number | null }[];
    readonly gates: readonly { readonly id: string; readonly outcome: string }[];
  } | null;
}

/** null: not known of that cycle. */
interface Pair {
  readonly before: number | null;
  readonly now: number | null;
}

export interface ChangesSince {
  readonly figures: readonly (Pair & { readonly name: string; readonly unit: 'count' | 'fraction' })[];
  /** Gates that have another outcome; null: it is not known, because one of the two cycles judged nothing. */
  readonly gates: readonly { readonly id: string; readonly before: string; readonly now: string }[] | null;
  /** Agreement by task, of tasks that both judged and that is another one: the largest changes first, at most 20. */
  readonly tasks: readonly { readonly task: string; readonly before: number; readonly now: number }[];
}

const mostTasks = 20;

/** What is otherwise than in the policy's cycle before: the one comparison of reports and pages. */
export function changesSince(now: ComparedReport, before: CycleBefore): ChangesSince {
  const figure =
    (unit: 'count' | 'fraction') =>
    (name: string, then: Told, is: Told): ChangesSince['figures'][number] => ({
      name,
      unit,
      before: then ?? null,
      now: is ?? null,
    });
  const [count, fraction] = [figure('count'), figure('fraction')];
  const { collection, mix, training, evaluation } = before;
  return {
    figures: [
      count('Episodes stored', collection?.episodesStored, now.collection?.episodesStored),
      count('Frames stored', collection?.framesStored, now.collection?.framesStored),
      count('Failure episodes stored', collection?.failuresStored, now.collection?.failuresStored),
      count('Episodes in quarantine', collection?.quarantinedEpisodes, now.collection?.quarantinedEpisodes),
      count('Frames that wait for a label', mix?.needsLabelFrames, now.mix?.needsLabelFrames),
      count('Steps of training', training?.steps, now.training?.steps),
      fraction('Agreement of the candidate', evaluation?.accuracyFraction, now.evaluation?.accuracyFraction),
      fraction('Agreement of the champion', evaluation?.championFraction, now.evaluation?.championFraction),
      count('Held-out frames', evaluation?.frames, now.evaluation?.frames),
    ],
    gates: changedGates(now, before),
    tasks: changedTasks(now, before),
  };
}

function changedTasks(now: ComparedReport, { evaluation }: CycleBefore): ChangesSince['tasks'] {
  const then = new Map((evaluation?.tasks ?? []).map((one) => [one.task, one.agreementFraction]));
  return (now.evaluation?.tasks ?? [])
    .flatMap(({ task, agreementFraction }) => {
      const before = then.get(task);
      return agreementFraction === null || before === null || before === undefined
        ? []
        : [{ task, before, now: agreementFraction }];
    })
    .filter((one) => one.now !== one.before)
    .toSorted((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before))
    .slice(0, mostTasks);
}

function changedGates(report: ComparedReport, { evaluation }: CycleBefore): ChangesSince['gates'] {
  const then = new Map((evaluation?.gates ?? []).map(({ id, outcome }) => [id, outcome]));
  const now = new Map((report.evaluation?.gates ?? []).map(({ id, outcome }) => [id, outcome]));
  if (then.size === 0 || now.size === 0) return null;
  return [...new Set([...then.keys(), ...now.keys()])]
    .filter((id) => then.get(id) !== now.get(id))
    .map((id) => ({ id, before: then.get(id) ?? 'not there', now: now.get(id) ?? 'not there' }));
}
