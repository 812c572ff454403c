import type { OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readTelemetry } from './telemetry-cursor.ts';

/** A task that robots were asked for although their models do not know it. */
export interface RefusedTask {
  readonly task: string;
  readonly count: number;
  readonly robots: number;
  /** Versions that did not know it, in the order in which they were heard of; at most {@link mostVersions}. */
  readonly versions: readonly string[];
}

const mostVersions = 20;

/**
 * What robots of a policy told gateways in `[startMs, endMs)`, by task, the most refused first. Memory grows with tasks × robots, and a
 * gateway takes only tasks of the catalogue.
 */
export async function readRefusedTasks(
  store: ObjectStore,
  of: { readonly policy: string; readonly startMs: number; readonly endMs: number },
  onDamage: OnDamage,
): Promise<readonly RefusedTask[]> {
  const tasks = new Map<string, { count: number; robots: Set<string>; versions: Set<string> }>();
  for await (const { robotId, entry } of readTelemetry(store, of.policy, of.startMs, of.endMs, onDamage)) {
    if (entry.kind !== 'refusedTask') continue;
    const sum = tasks.get(entry.task) ?? { count: 0, robots: new Set(), versions: new Set() };
    tasks.set(entry.task, sum);
    sum.count += entry.count;
    sum.robots.add(robotId);
    if (entry.policyVersion !== null && sum.versions.size < mostVersions) sum.versions.add(entry.policyVersion);
  }
  return [...tasks]
    .map(([task, { count, robots, versions }]) => ({ task, count, robots: robots.size, versions: [...versions] }))
    .toSorted((a, b) => b.count - a.count || (a.task < b.task ? -1 : 1));
}
