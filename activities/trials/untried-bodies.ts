import { robotTypeName } from '../../datasets/robot-type.ts';
import type { TrialPlan } from '../../domain/trial/index.ts';
import type { RobotView } from '../../fleet/desk/index.ts';
import type { BodyReference } from '../../policies/version-bodies.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  lastWord,
  lastWords,
  listedBodies,
  readServeRecords,
  withholdBody,
} from '../../store/records/served-bodies.ts';

type Bodied = Pick<RobotView, 'robotId' | 'robotType'>;

/** Robots that run the candidate in one of the plan's stages. */
const stagedIds = ({ robots, stages }: Pick<TrialPlan, 'robots' | 'stages'>): ReadonlySet<string> =>
  new Set(robots.slice(0, Math.max(...stages.map((stage) => stage.robots))).map(({ robotId }) => robotId));

/**
 * Bodies that robots could be ordered the candidate with, since held-out data proves it, and of which none of these `robots` is. One that a person
 * let the candidate have is none of them.
 */
export async function untriedBodies(
  store: ObjectStore,
  { policy, candidateVersion }: Pick<TrialPlan, 'policy' | 'candidateVersion'>,
  robots: readonly Bodied[],
): Promise<readonly BodyReference[]> {
  const tried = new Set(robots.map(({ robotType }) => robotTypeName(robotType)));
  const listed = (await listedBodies(store, policy, candidateVersion)) ?? [];
  const words = lastWords((await readServeRecords(store, policy)).map(({ record }) => record));
  return listed.flatMap(({ robotType, standing }) => {
    const word = lastWord(words, candidateVersion, robotType) ?? 'withhold';
    const mayGet = standing === 'proven' && word === 'withhold';
    return mayGet && !tried.has(robotTypeName(robotType)) ? [robotType] : [];
  });
}

/**
 * Before everybody gets the candidate: withholds it from bodies that none of these `robots`, which ran it, has, until a person lets them have it.
 * Idempotent by (candidate, body).
 */
export async function withholdUntried(
  store: ObjectStore,
  plan: Pick<TrialPlan, 'policy' | 'candidateVersion' | 'trialId'>,
  { robots, atMs, who }: { readonly robots: readonly Bodied[]; readonly atMs: number; readonly who: string },
): Promise<void> {
  const { policy, candidateVersion: version, trialId } = plan;
  for (const robotType of await untriedBodies(store, plan, robots)) {
    const why = `no robot of ${robotTypeName(robotType)} took part in a stage of trial ${trialId}`;
    await withholdBody({ store }, { policy, version, robotType, atMs, who, why });
  }
}

/** What a rollout of the plan will not do, for people: which robots get the candidate by no promotion. Undefined where there are none. */
export async function withheldRemark(
  store: ObjectStore,
  plan: Pick<TrialPlan, 'policy' | 'candidateVersion' | 'robots' | 'stages'>,
  robots: readonly Bodied[],
): Promise<string | undefined> {
  const staged = stagedIds(plan);
  const untried = await untriedBodies(
    store,
    plan,
    robots.filter(({ robotId }) => staged.has(robotId)),
  );
  const withheld = untried.map((body) => ({ body, count: countOf(robots, body) })).filter(({ count }) => count > 0);
  if (withheld.length === 0) return undefined;
  const names = withheld.map(
    ({ body, count }) => `${robotTypeName(body)} (${count === 1 ? '1 robot' : `${count} robots`})`,
  );
  return `no robot of ${names.join(', ')} takes part in a stage: a promotion does not give them ${plan.candidateVersion}, \`flywheel models serve\` does`;
}

const countOf = (robots: readonly Bodied[], body: BodyReference): number =>
  robots.filter(({ robotType }) => robotTypeName(robotType) === robotTypeName(body)).length;
