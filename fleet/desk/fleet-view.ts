import type { ImageCounts } from '../protocol/index.ts';
import type { InstallRecord } from './install-log.ts';
import type { Presence, SeenRobot } from './presence.ts';
import { isRevokedRobot, quarantineOf, quarantinesOf, type Quarantine, type RobotRecord } from './robots.ts';

export interface ViewLimits {
  /** A presence file older than this says nothing of now. Written every 15 s, so two may be missed. */
  readonly presenceFreshMs: number;
  /** A robot unseen for longer is silent. */
  readonly silentAfterMs: number;
  /** A robot that was never seen is no silent one for so long after it was registered. */
  readonly newcomerMs: number;
}

export const defaultViewLimits: ViewLimits = { presenceFreshMs: 45_000, silentAfterMs: 300_000, newcomerMs: 900_000 };

/** Why a robot does not run the champion, and what it is kept on. */
export interface NotServedBy {
  /** The champion. */
  readonly version: string;
  /**
   * `unlisted`: the champion knows nothing of the body · `unproven`: it lists it, and nobody let it have the body · `revoked`: it is proven on
   * it, and somebody took the body away · `untried`: it is proven on it by held-out data, and no robot with it took part in a stage of its trial.
   */
  readonly standing: 'unlisted' | 'unproven' | 'revoked' | 'untried';
  /** Newest champion of before, or the baseline, that serves the body; null when nothing does. */
  readonly keeps: string | null;
}

/** `not served by 2.0.0 (unproven), keeps 1.4.0`. */
export const notServedText = ({ version, standing, keeps }: NotServedBy): string =>
  `not served by ${version} (${standing}), ${keeps === null ? 'nothing serves it' : `keeps ${keeps}`}`;

export interface RobotView {
  readonly robotId: string;
  readonly site: string;
  readonly stratum: string;
  /** Its body. */
  readonly robotType: RobotRecord['robotType'];
  /** When it got another body; absent where it never did. */
  readonly bodyChangesMs?: readonly number[];
  /** The champion does not serve its body; absent where it does. */
  readonly notServed?: NotServedBy;
  readonly isQuarantined: boolean;
  /** The quarantine it is in: since when, who put it there and why; absent outside of one. */
  readonly quarantine?: Quarantine;
  /** Every quarantine it was ever in; absent when there was none. */
  readonly quarantines?: readonly Quarantine[];
  /**
   * `online`: seen within the limit · `silent`: unseen, though a gateway was there all that time · `unknown`: no gateway was
   * there long enough to tell.
   */
  readonly contact: 'online' | 'silent' | 'unknown';
  readonly lastSeenMs: number | null;
  /** What it runs, by the newer of its install report and its heartbeat; null when it never said. */
  readonly version: string | null;
  /** Newest order it obeys or at least holds; null when it never held one. */
  readonly heldSeq: number | null;
  readonly lastInstall: InstallRecord | null;
  /** What waits of its images, and how many it lost since its disk was new; absent where it did not tell. */
  readonly images?: ImageCounts;
  /** The update windows of its site are closed until then; absent while they are open, or there are none. */
  readonly closedUntilMs?: number;
}

export interface FleetView {
  /** `unknown` when no gateway wrote a fresh presence: nothing follows from silence then. */
  readonly presence: 'known' | 'unknown';
  readonly robots: readonly RobotView[];
  /** Robots of the policy that are retired, and since when; they count nowhere. */
  readonly retired: readonly { readonly robotId: string; readonly atMs: number }[];
  /** When robots left the policy for another one; such a robot may be back, and count again. */
  readonly moved: readonly { readonly robotId: string; readonly atMs: number }[];
}

/** What is known of a policy's robots now, from what gateways and robots wrote, without those whose tokens were revoked. Robots in order of id. */
export function viewFleet(
  facts: {
    readonly robots: readonly RobotRecord[];
    readonly presences: readonly Presence[];
    readonly installs: ReadonlyMap<string, InstallRecord>;
    readonly nowMs: number;
    /** When robots left the policy; default: none did. */
    readonly moved?: FleetView['moved'];
    /** Until when the update windows of a site are closed; undefined where they are not. */
    readonly closedUntil?: (site: string) => number | undefined;
    /** Undefined for a body that the champion serves. */
    readonly notServed?: (body: RobotRecord['robotType']) => NotServedBy | undefined;
  },
  limits: ViewLimits = defaultViewLimits,
): FleetView {
  const { nowMs } = facts;
  const fresh = facts.presences.filter(({ atMs }) => nowMs - atMs <= limits.presenceFreshMs);
  const watchedSinceMs = Math.min(...fresh.map(({ sinceMs }) => sinceMs));
  const seen = newestSightings(facts.presences);
  const contactOf = (lastSeenMs: number): RobotView['contact'] => {
    if (fresh.length === 0) return 'unknown';
    if (nowMs - lastSeenMs <= limits.silentAfterMs) return 'online';
    return nowMs - watchedSinceMs > limits.silentAfterMs ? 'silent' : 'unknown';
  };
  /** Somebody has to bring a new robot to its place first: until then nothing follows from its silence. */
  const neverSeen = (changedMs: number): RobotView['contact'] =>
    nowMs - changedMs <= limits.newcomerMs ? 'unknown' : contactOf(Number.NEGATIVE_INFINITY);
  const robots = facts.robots
    .filter((robot) => !isRevokedRobot(robot))
    .toSorted((a, b) => (a.robotId < b.robotId ? -1 : 1))
    .map((robot): RobotView => {
      const { robotId, site, stratum, robotType, bodyChangesMs, isQuarantined, atMs } = robot;
      const [quarantine, quarantines] = [quarantineOf(robot), quarantinesOf(robot)];
      const sighting = seen.get(robotId);
      const lastInstall = facts.installs.get(robotId) ?? null;
      const closedUntilMs = facts.closedUntil?.(site);
      const notServed = facts.notServed?.(robotType);
      return {
        robotId,
        site,
        stratum,
        robotType,
        ...(bodyChangesMs === undefined ? {} : { bodyChangesMs }),
        ...(notServed === undefined ? {} : { notServed }),
        isQuarantined,
        ...(quarantine === undefined ? {} : { quarantine }),
        ...(quarantines.length === 0 ? {} : { quarantines }),
        contact: sighting === undefined ? neverSeen(atMs) : contactOf(sighting.lastSeenMs),
        lastSeenMs: sighting?.lastSeenMs ?? null,
        version: runningVersion(sighting, lastInstall),
        heldSeq: newest([
          sighting?.deliveredSeq,
          sighting?.assignmentSeq,
          lastInstall?.report.outcome === 'installed' ? lastInstall.report.assignmentSeq : null,
        ]),
        lastInstall,
        ...(sighting?.images === undefined ? {} : { images: sighting.images }),
        ...(closedUntilMs === undefined ? {} : { closedUntilMs }),
      };
    });
  const retired = facts.robots.flatMap(({ robotId, retiredMs }) =>
    retiredMs === undefined ? [] : [{ robotId, atMs: retiredMs }],
  );
  return { presence: fresh.length === 0 ? 'unknown' : 'known', robots, retired, moved: facts.moved ?? [] };
}

/** A robot may be seen by several gateways: what it said comes from the one that heard it last. */
function newestSightings(presences: readonly Presence[]): ReadonlyMap<string, SeenRobot> {
  const merged = new Map<string, SeenRobot>();
  for (const robot of presences.flatMap(({ robots }) => robots)) {
    const other = merged.get(robot.robotId) ?? robot;
    merged.set(robot.robotId, {
      ...((robot.saidMs ?? -1) > (other.saidMs ?? -1) ? robot : other),
      lastSeenMs: Math.max(robot.lastSeenMs, other.lastSeenMs),
      deliveredSeq: newest([robot.deliveredSeq, other.deliveredSeq]),
    });
  }
  return merged;
}

/** An install report newer than the sighting is newer than the last heartbeat it knows. */
function runningVersion(sighting: SeenRobot | undefined, install: InstallRecord | null): string | null {
  if (install !== null && install.receivedMs >= (sighting?.saidMs ?? -1)) return install.report.version;
  return sighting?.installedVersion ?? install?.report.version ?? null;
}

const newest = (seqs: readonly (number | null | undefined)[]): number | null =>
  seqs.reduce<number | null>(
    (best, seq) => (seq === null || seq === undefined ? best : Math.max(best ?? seq, seq)),
    null,
  );
