import type { ObjectStore } from '../../store/object-store.ts';
import { fleetKeys, logKey } from '../desk/keys.ts';

/** Which root documents there are. They are robots' to check; the gateway only passes them on. */
export interface RootWatch {
  /** Newest number by the last look; 0 while there is none. */
  readonly newest: () => number;
  look(): Promise<void>;
  /** A root document as it was stored; undefined for a number that is not there. */
  read(version: number): Promise<Uint8Array | undefined>;
}

/** Larger than any root document; what is larger is none. */
const maxRootBytes = 256 * 1024;

export function rootWatch(store: ObjectStore): RootWatch {
  let newest = 0;
  const read = async (version: number): Promise<Uint8Array | undefined> => {
    const bytes = await store.get(logKey(fleetKeys.roots, version));
    return bytes === undefined || bytes.byteLength > maxRootBytes ? undefined : bytes;
  };
  return {
    newest: () => newest,
    read,
    async look() {
      while ((await read(newest + 1)) !== undefined) newest += 1;
    },
  };
}
