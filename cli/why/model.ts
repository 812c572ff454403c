import { reportOfTraining } from '../../activities/report/cycle-of-training.ts';
import { setFactsSchema } from '../../activities/report/set-facts.ts';
import { listEndedTrials } from '../../activities/trials/trial-course.ts';
import { toldEnds } from '../../activities/trials/trial-sentences.ts';
import { trainingSetFile } from '../../datasets/training-set.ts';
import { aliasesAt } from '../../domain/registry/index.ts';
import { modelFile, signedManifestSchema, type ModelManifest } from '../../policies/model-manifest.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { requireJson } from '../../store/json-objects.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { digestText } from '../digest-text.ts';
import { instant, measured, type Explanation, type Question, type Reason } from './reason.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import { endText } from './trial.ts';

const mostEnded = 200;

/** Why a version is champion or is not: what it was trained on, its gates, its trials, and who moved the alias. */
export async function whyModel(question: Question): Promise<Explanation> {
  const { context, policy, what: version, onDamage } = question;
  const { store } = context;
  const { manifest } = await readManifest(question, version);
  const history = await readAliasHistory({ store })({ policy });
  const { champion } = aliasesAt(history);
  const own = (await listEndedTrials(store, policy, mostEnded, onDamage)).filter(
    ({ candidateVersion }) => candidateVersion === version,
  );
  const ends = await toldEnds(store, own);
  const moves = history.filter(
    ({ set }, index) => set.champion !== undefined && [set.champion, championBefore(history, index)].includes(version),
  );
  const last = ends.at(-1);
  const answer =
    champion === version
      ? `${version} is the champion since ${instant(moves.at(-1)?.atMs ?? manifest.registeredAtMs)}`
      : last === undefined
        ? `${version} is not the champion (${champion ?? 'none'} is), and no trial of it has ended`
        : `${version} is not the champion (${champion ?? 'none'} is): ${endText(last)}`;
  return {
    kind: 'model',
    subject: version,
    answer,
    reasons: [
      ...(await madeOf(question, manifest)),
      ...gatesOf(policy, manifest),
      ...ends.map((end): Reason => ({ sentence: endText(end), see: `flywheel why ${end.trialId} --policy ${policy}` })),
      ...moves.map(({ atMs, who, why, set }): Reason => ({
        sentence: `champion ${set.champion ?? 'none'} since ${instant(atMs)}, by ${who}: ${plainReason(why)}`,
        see: `flywheel models history --policy ${policy}`,
      })),
    ],
  };
}

const championBefore = (
  history: Awaited<ReturnType<ReturnType<typeof readAliasHistory>>>,
  index: number,
): string | undefined => aliasesAt(history.slice(0, index)).champion;

export const readManifest = ({ context, policy }: Question, version: string) =>
  requireJson(
    context.store,
    modelFile(policy, version, 'manifest.json'),
    signedManifestSchema,
    `version ${version} of policy ${policy} is not registered; \`flywheel models held\` lists candidates that a gate rejected`,
  );

/** Where it comes from, and what it was trained on. */
export async function madeOf(
  { context, policy, onDamage }: Question,
  { version, training, submitted, registeredAtMs, parents }: ModelManifest,
): Promise<readonly Reason[]> {
  const registered = `${version} was registered at ${instant(registeredAtMs)}`;
  const see = `flywheel models show ${version} --policy ${policy}`;
  if (training === null)
    return [
      {
        sentence: `${registered}; it was not trained here${submitted === undefined ? '' : `, ${submitted.who} submitted it: ${submitted.why}`}`,
        see,
      },
    ];
  const { trainingSetDigest, datasetVersion, seed } = training;
  // The manifest names the training, which has an id of its own.
  const cycleId = (await reportOfTraining(context.store, training.cycleId, onDamage))?.cycleId ?? training.cycleId;
  const from = parents.length === 0 ? '' : `, from ${parents.join(', ')}`;
  const setFile = trainingSetFile(trainingSetDigest, 'manifest.json');
  const set = await readSoundJson(context.store, setFile, setFactsSchema, onDamage);
  return [
    { sentence: `${registered}; cycle ${cycleId} trained it${from} with seed ${seed}`, see },
    {
      sentence:
        set === undefined
          ? `its training set ${digestText(trainingSetDigest)} is of data set version ${datasetVersion.episodes}/${datasetVersion.frames}`
          : `it was trained on ${set.newFrames + set.historyFrames} frames, ${set.newFrames} of them new (data set version ${datasetVersion.episodes}/${datasetVersion.frames})`,
      see: `flywheel why ${cycleId} --policy ${policy}`,
    },
  ];
}

function gatesOf(policy: string, { version, gates }: ModelManifest): readonly Reason[] {
  const failed = gates.filter(({ outcome }) => outcome === 'fail');
  const see = `flywheel models show ${version} --policy ${policy}`;
  if (failed.length === 0) return [{ sentence: `all ${gates.length} offline gates let it pass`, see }];
  return failed.map(({ id, value, limit }) => ({
    sentence: `the gate ${id} did not let it pass`,
    ...measured(value, limit),
    see,
  }));
}
