import { robotTypeName } from '../../datasets/robot-type.ts';
import { bodiesOf, championFor, keepsOf, readRobots, servedReader } from '../../fleet/desk/index.ts';
import type { ModelManifest } from '../../policies/model-manifest.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readVersionBodies } from '../../store/records/served-bodies.ts';

/**
 * Versions, as `policy version`, that robots run although they have no alias: a robot whose body the champion does not serve, or that is in
 * quarantine, is kept on a champion of before. With why, as a sentence. Fails where nobody can tell which bodies a champion serves.
 */
export async function versionsKeptOn(
  store: ObjectStore,
  manifests: readonly ModelManifest[],
): Promise<ReadonlyMap<string, string>> {
  const kept = new Map<string, string>();
  const robots = [...(await readRobots(store)).values()].filter(({ retiredMs }) => retiredMs === undefined);
  for (const [policy, own] of Map.groupBy(robots, (robot) => robot.policy)) {
    const { champion } = await readAliases({ store })({ policy });
    if (champion === undefined) continue;
    const manifest = manifests.find((one) => one.policy === policy && one.version === champion);
    if (manifest !== undefined) await readVersionBodies(store, manifest);
    const bodies = bodiesOf(own);
    const quarantined = own.flatMap((robot) => keepsOf(robot) ?? []);
    const served = await servedReader(store, policy).read([champion], bodies, {
      keeps: quarantined,
      orderedBy: undefined,
    });
    for (const keeps of quarantined)
      for (const version of [keeps.version, served.keptOn(keeps)])
        if (version !== undefined && version !== champion)
          kept.set(`${policy} ${version}`, `${policy} ${version} is what robots in quarantine are kept on`);
    for (const body of bodies) {
      const version = championFor(body, champion, served);
      if (version !== undefined && version !== champion)
        kept.set(`${policy} ${version}`, `${policy} ${version} is what robots of ${robotTypeName(body)} are kept on`);
    }
  }
  return kept;
}
