import { readOpenIncidents } from '../../activities/monitor/monitor-state.ts';
import { messageNames } from '../../domain/contract/message-names.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { closedLoopSuccessOfModel } from '../../fleet/simulator/closed-loop.ts';
import { noCameraQuirks, noQuirks } from '../../fleet/simulator/quirks.ts';
import type { RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import type { SeenCamera } from '../../policies/seen-images.ts';
import { openRuntime } from '../../workers/compose.ts';
import { waitFor } from '../wait-for.ts';
import type { World } from '../world.ts';
import { percent } from './learn.ts';

/**
 * Dirt covers this share of the image, at other places in every episode. Were it at one place on each robot, thirty robots would be thirty
 * chances: how well a robot drives would depend on its dirt, and no number of episodes would make up for few robots.
 */
const dirtFraction = 0.5;
/** Of the fleet clock: the monitor looks for drift this often here, and more seldom once it was seen, because a look decodes four clips of each robot. */
const driftEveryHours = { first: 4, later: 48 };
const driftPatienceMs = 600_000;
/** In rooms that no robot lives in, with lenses that no robot has. */
const measured = { episodes: 150, framesPerEpisode: 60 };
const leastGain = 0.1;

/** The lenses get dirty; the monitor compares what robots bring with what the lake holds, which is first filled with what they saw before. */
export async function expectDriftNamed({ fleet, client, context, policy, say, ...world }: World, camera: SeenCamera) {
  await world.collect();
  const monitor = client.workflow.getHandle(workflowIds.fleetMonitor(policy));
  const lookEvery = (hours: number) =>
    monitor.executeUpdate(messageNames.setLimits, { args: [{ driftEveryHours: hours }] });
  await lookEvery(driftEveryHours.first);
  fleet.trouble({ quirks: [{ camera: { dirtFraction, dirtMoves: true } }] });
  say('the lenses of every robot get dirty');
  let reason = '';
  await waitFor({
    what: `an incident about drift that names camera ${camera.name}`,
    say,
    patienceMs: driftPatienceMs,
    lookEveryMs: 1_000,
    async look() {
      const { incidents } = await readOpenIncidents(context.store, policy);
      const drifts = incidents.filter(({ cause }) => cause === 'drift');
      reason = drifts.find((incident) => incident.reason.includes(`camera ${camera.name}`))?.reason ?? '';
      return { isDone: reason !== '', state: drifts.map((incident) => incident.reason).join('; ') || 'no drift' };
    },
  });
  say(`  the monitor: drift: ${reason}`);
  await lookEvery(driftEveryHours.later);
}

/** What was learned holds for other dirt in other rooms. */
export async function expectDrivesBetterWithDirt(
  { context: { store }, policy, robotType, seed, say }: World,
  families: readonly RoomFamily[],
  versions: { readonly before: string; readonly after: string },
): Promise<void> {
  const runtime = await openRuntime();
  const drive = async (version: string, dirt: number): Promise<number> => {
    const model = await store.get(modelFile(policy, version, 'model.onnx'));
    if (model === undefined) throw new Error(`expected the model of ${version}, got none`);
    const { successFraction } = await closedLoopSuccessOfModel(runtime, model, {
      ...measured,
      families,
      seeds: [seed],
      tasks: robotType.tasks,
      body: robotType,
      quirks: { ...noQuirks, camera: { ...noCameraQuirks, dirtFraction: dirt } },
    });
    return successFraction;
  };
  const [before, after] = [await drive(versions.before, dirtFraction), await drive(versions.after, dirtFraction)];
  const clean = await drive(versions.after, 0);
  say(
    `in rooms without robots, with dirty lenses: ${versions.before} succeeds in ${percent(before)} of ${measured.episodes} episodes, ${versions.after} in ${percent(after)}, with clean ones in ${percent(clean)}`,
  );
  if (!(after >= before + leastGain))
    throw new Error(`expected ${versions.after} to drive at least ${percent(leastGain)} better with dirt`);
}
