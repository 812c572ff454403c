import { robotTypeName } from '../../datasets/robot-type.ts';
import { aliasesAt, type AliasRecord } from '../../domain/registry/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import {
  approvalsOf,
  isApproved,
  listedBodies,
  readServeRecords,
  serveLog,
  type ListedBody,
  type ServeRecord,
} from '../../store/records/served-bodies.ts';
import { championFor, type Body, type ServedBodies } from './body-orders.ts';
import { fleetKeys, logKey } from './keys.ts';

/** How a version stands to a body, for people too. */
export interface ServedFacts extends ServedBodies {
  /** Undefined for a version that does not list the body, or that nobody registered. */
  readonly listed: (version: string, body: Body) => ListedBody | undefined;
}

/** What versions of a policy serve, as the registry has it now. A version never changes, so its list is read once. */
export interface ServedReader {
  /** For these versions and bodies; champions of before are looked at where the first version serves a body not. */
  read(versions: readonly string[], bodies: readonly Body[]): Promise<ServedFacts>;
}

/** Champions of before that a robot may be kept on. */
const mostFormer = 50;

export function servedReader(store: ObjectStore, policy: string): ServedReader {
  const lists = new Map<string, readonly ListedBody[]>();
  const aliases = followLog<AliasRecord>(store, fleetKeys.aliasLog(policy), async (after) =>
    readAliasHistory({ store })({ policy, ...(after === undefined ? {} : { after }) }),
  );
  const approvals = followLog<ServeRecord>(store, serveLog(policy), async (after) =>
    (await readServeRecords(store, policy, after)).map(({ record }) => record),
  );

  async function load(version: string): Promise<void> {
    if (lists.has(version)) return;
    const listed = await listedBodies(store, policy, version);
    if (listed !== undefined) lists.set(version, listed);
  }

  const isKnown = (version: string): boolean => lists.has(version);
  const listed = (version: string, body: Body): ListedBody | undefined =>
    lists.get(version)?.find(({ robotType }) => robotTypeName(robotType) === robotTypeName(body));

  return {
    async read(versions, bodies) {
      const history = await aliases();
      const approved = approvalsOf(await approvals());
      const baselineVersion = aliasesAt(history).baseline;
      for (const version of versions) await load(version);
      // A version that cannot be read is for those to deal with who are to run it.
      const serves = (version: string, body: Body): boolean =>
        !isKnown(version) ||
        listed(version, body)?.standing === 'proven' ||
        (listed(version, body) !== undefined && isApproved(approved, version, body));
      const [championVersion = ''] = versions;
      const plain = { serves, formerChampions: [], baselineVersion: undefined };
      const isServed = bodies.every((body) => championFor(body, championVersion, plain) !== undefined);
      const formerChampions = isServed ? [] : championsBefore(history, championVersion);
      for (const version of [...formerChampions, ...(baselineVersion === undefined ? [] : [baselineVersion])])
        await load(version);
      return {
        serves,
        listed,
        formerChampions: formerChampions.filter(isKnown),
        baselineVersion: baselineVersion !== undefined && isKnown(baselineVersion) ? baselineVersion : undefined,
      };
    },
  };
}

const championsBefore = (history: readonly AliasRecord[], now: string): readonly string[] =>
  [...new Set(history.flatMap(({ set }) => set.champion ?? []).toReversed())]
    .filter((version) => version !== now)
    .slice(0, mostFormer);

/** All records of a log, at one look for the next one a call. */
function followLog<Item>(
  store: ObjectStore,
  log: string,
  readAfter: (after: number | undefined) => Promise<readonly Item[]>,
): () => Promise<readonly Item[]> {
  let known: readonly Item[] | undefined;
  return async () => {
    if (known === undefined) known = await readAfter(undefined);
    else if ((await store.get(logKey(log, known.length))) !== undefined)
      known = [...known, ...(await readAfter(known.length - 1))];
    return known;
  };
}
