import { robotTypeName } from '../../datasets/robot-type.ts';
import { bodiesOf, servedReader, standingOf, type NotServedBy, type RobotView } from '../../fleet/desk/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** A robot whose body one of a trial's versions does not serve: it takes no part. */
export interface UnservedRobot {
  readonly robotId: string;
  /** Its body, e.g. `scitos-g5@2`. */
  readonly body: string;
  readonly version: string;
  /** Why it does not. */
  readonly standing: NotServedBy['standing'];
  /** Held-out episodes of the body that the version was judged on; 0 where it does not list it. */
  readonly heldOutEpisodes: number;
}

/** Robots that cannot run both versions: one with only one of them has nothing to be compared with. In order of the robots. */
export async function unservedRobots(
  store: ObjectStore,
  policy: string,
  versions: readonly string[],
  robots: readonly Pick<RobotView, 'robotId' | 'robotType'>[],
): Promise<readonly UnservedRobot[]> {
  const facts = await servedReader(store, policy).read(versions, bodiesOf(robots));
  return robots.flatMap(({ robotId, robotType }) => {
    const version = versions.find((each) => !facts.serves(each, robotType));
    if (version === undefined) return [];
    const heldOutEpisodes = facts.listed(version, robotType)?.heldOutEpisodes ?? 0;
    const standing = standingOf(facts, version, robotType);
    return [{ robotId, body: robotTypeName(robotType), version, standing, heldOutEpisodes }];
  });
}

/** `4 robots are left out: 3.0.0 is unproven on scitos-g5@2 (7 held-out episodes), until …`, one sentence a body and version. */
export function unservedRemarks(robots: readonly UnservedRobot[]): readonly string[] {
  const groups = Map.groupBy(robots, ({ body, version }) => `${body} ${version}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { body, version, standing, heldOutEpisodes } = first;
    const count = group.length === 1 ? '1 robot is' : `${group.length} robots are`;
    const why =
      standing === 'unlisted'
        ? `${version} does not serve ${body}`
        : `${version} is ${standing} on ${body} (${heldOutEpisodes} held-out episodes), until \`flywheel models serve\``;
    return [`${count} left out: ${why}`];
  });
}
