import { robotTypeName } from '../../datasets/robot-type.ts';
import {
  aliasesAt,
  championLine,
  keptVersion,
  type AliasRecord,
  type KeptOn,
  type OrderedAhead,
} from '../../domain/registry/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import {
  isServed,
  lastWord,
  lastWords,
  listedBodies,
  readServeRecords,
  serveLog,
  type ListedBody,
  type ServeRecord,
} from '../../store/records/served-bodies.ts';
import { championFor, type Body, type ServedBodies } from './body-orders.ts';
import type { NotServedBy } from './fleet-view.ts';
import { fleetKeys, logKey } from './keys.ts';

/** How a version stands to a body, for people too. */
export interface ServedFacts extends ServedBodies {
  /** Undefined for a version that does not list the body, or that nobody registered. */
  readonly listed: (version: string, body: Body) => ListedBody | undefined;
  /** Whether a person has to let the version have the body, because none of its robots took part in a stage of its trial. */
  readonly isWithheld: (version: string, body: Body) => boolean;
}

/** Why a version that does not serve a body does not. */
export function standingOf({ listed, isWithheld }: ServedFacts, version: string, body: Body): NotServedBy['standing'] {
  const standing = listed(version, body)?.standing;
  if (standing !== 'proven') return standing ?? 'unlisted';
  return isWithheld(version, body) ? 'untried' : 'revoked';
}

/** What versions of a policy serve, as the registry has it now. A version never changes, so its list is read once. */
export interface ServedReader {
  /**
   * For these versions and bodies, and for robots in quarantine that keep these; champions of before are looked at where the first version
   * serves a body not. `orderedBy`: the operation of the assignment that orders them.
   */
  read(
    versions: readonly string[],
    bodies: readonly Body[],
    more?: { readonly keeps: readonly KeptOn[]; readonly orderedBy: string | undefined },
  ): Promise<ServedFacts>;
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
    async read(versions, bodies, { keeps, orderedBy } = { keeps: [], orderedBy: undefined }) {
      const history = await aliases();
      const words = lastWords(await approvals());
      const baselineVersion = aliasesAt(history).baseline;
      for (const version of versions) await load(version);
      // A version that cannot be read is for those to deal with who are to run it.
      const serves = (version: string, body: Body): boolean =>
        !isKnown(version) || isServed(words, version, listed(version, body));
      const [championVersion = ''] = versions;
      const plain = { serves, formerChampions: [], withdrawnChampions: [], baselineVersion: undefined };
      const isOneForAll = bodies.every((body) => championFor(body, championVersion, plain) !== undefined);
      const { former, withdrawn } = isOneForAll ? noneBefore : championsBefore(history, versions);
      for (const version of [...former, ...withdrawn, ...(baselineVersion === undefined ? [] : [baselineVersion])])
        await load(version);
      const ordered = orderedAhead(history, versions, orderedBy);
      const kept = new Map(keeps.map((each) => [keptKey(each), keptVersion(history, each, ordered)]));
      for (const version of kept.values()) if (version !== undefined) await load(version);
      return {
        serves,
        keptOn(each) {
          const version = kept.get(keptKey(each));
          return version !== undefined && isKnown(version) ? version : undefined;
        },
        listed,
        isWithheld: (version, body) => lastWord(words, version, body) === 'withhold',
        formerChampions: former.filter(isKnown),
        withdrawnChampions: withdrawn.filter(isKnown),
        baselineVersion: baselineVersion !== undefined && isKnown(baselineVersion) ? baselineVersion : undefined,
      };
    },
  };
}

interface ChampionsBefore {
  readonly former: readonly string[];
  readonly withdrawn: readonly string[];
}
const noneBefore: ChampionsBefore = { former: [], withdrawn: [] };

const keptKey = ({ version, trialId, atMs }: KeptOn): string => `${version} ${trialId} ${atMs}`;

/**
 * The champion that robots are asked to run and the alias does not say yet; `asked` names it first. Robots are ordered before the alias follows, save
 * in a trial's last stage: there it is ahead.
 */
function orderedAhead(
  history: readonly AliasRecord[],
  asked: readonly string[],
  operationId = '',
): OrderedAhead | undefined {
  const [version = ''] = asked;
  const { champion } = aliasesAt(history);
  return champion !== undefined && asked.includes(champion) ? undefined : { version, operationId };
}

function championsBefore(history: readonly AliasRecord[], asked: readonly string[]): ChampionsBefore {
  const [now = ''] = asked;
  const { standing, withdrawn } = championLine(history, orderedAhead(history, asked));
  const newest = (versions: readonly string[]): readonly string[] =>
    versions
      .filter((version) => version !== now)
      .toReversed()
      .slice(0, mostFormer);
  return { former: newest(standing), withdrawn: newest(withdrawn) };
}

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
