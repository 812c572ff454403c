import { dayMs, horizonDays, windowsNow, type UpdateWindows, type WindowsNow } from '../../domain/maintenance/index.ts';
import type { DamagedObject } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { followWindows, type WindowsOfSites } from '../desk/windows.ts';

/** When robots of a site may take a version that can wait, as its answers to `desired` say it. */
export interface WindowWatch {
  /** Value of the header for a robot of the site; undefined where nothing is said: always. */
  readonly header: (site: string, nowMs: number) => string | undefined;
  look(): Promise<void>;
}

export function windowWatch(store: ObjectStore, onDamage: (object: DamagedObject) => void): WindowWatch {
  const follow = followWindows(store);
  let sites: WindowsOfSites = new Map();
  const known = new Map<string, { readonly windows: UpdateWindows; readonly now: WindowsNow; readonly atMs: number }>();

  /** Computed once for each opening and closing: robots ask every few seconds. */
  function at(site: string, windows: UpdateWindows, nowMs: number): WindowsNow {
    const last = known.get(site);
    const untilMs = (last?.now.isOpen === true ? last.now.closesMs : last?.now.opensMs) ?? Number.NEGATIVE_INFINITY;
    if (last?.windows === windows && nowMs >= last.atMs && nowMs < untilMs) return last.now;
    const now = windowsNow(windows, nowMs);
    known.set(site, { windows, now, atMs: nowMs });
    return now;
  }

  return {
    header(site, nowMs) {
      const windows = sites.get(site)?.windows;
      if (windows === undefined) return undefined;
      const { opensMs, closesMs } = at(site, windows, nowMs);
      const opensInMs = Math.max(0, (opensMs ?? nowMs + horizonDays * dayMs) - nowMs);
      return `${opensInMs}-${closesMs === null ? '' : closesMs - nowMs}`;
    },
    async look() {
      sites = await follow(onDamage);
    },
  };
}
