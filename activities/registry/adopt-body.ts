import { canonicalJson } from '../../domain/canonical-json.ts';
import { bodyMap } from '../../datasets/bodies/body-map.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import type { ChampionDesk } from '../../fleet/desk/champion-desk.ts';
import { mappedBody } from '../../policies/mapped-body.ts';
import { modelFile, type ModelManifest } from '../../policies/model-manifest.ts';
import { bodiesFile, identityBody, isSameBody, type VersionBody } from '../../policies/version-bodies.ts';
import type { Signer } from '../../policies/signer.ts';
import type { Clock } from '../../store/clock.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { moveAliases, readAliases } from '../../store/records/aliases.ts';
import { readManifest } from '../../store/records/manifests.ts';
import { readRobotType, readRobotTypeVersions } from '../../store/records/robot-types.ts';
import { readVersionBodies } from '../../store/records/served-bodies.ts';
import { trialKeys } from '../trials/trial-keys.ts';
import { adoptForPolicy, readPolicyDocument } from './policy-document.ts';
import { registerModel } from './register-model.ts';

export interface AdoptBodyInput {
  readonly policy: string;
  /** The newest body: a version of the policy's robot type. */
  readonly robotType: { readonly id: string; readonly version: number };
  readonly who: string;
  readonly why: string;
}

/** What became of one version that robots run now. */
export interface AdoptedVersion {
  readonly alias: 'champion' | 'baseline';
  readonly version: string;
  /** Its number from now on, under which it lists the new body as unproven; absent where it stays as it is. */
  readonly registeredAs?: string;
  /** Why it stays as it is. */
  readonly because?: string;
}

export interface AdoptBodyResult {
  readonly robotType: { readonly id: string; readonly version: number };
  readonly versions: readonly AdoptedVersion[];
}

interface AdoptPorts {
  readonly store: ObjectStore;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly codeBuild: string;
  readonly desk: ChampionDesk;
}

/**
 * The policy's next models are made for a newer body. Champion and baseline are registered anew, with the same model and a list that has the
 * new body as `unproven`, where the rules map it to them; robots are ordered onto the champion's new number, and its alias
 * follows. Idempotent by (policy, robot type). `Conflict` while robots are on trial, or for a body that does not follow the policy's.
 */
export const adoptBody =
  (ports: AdoptPorts) =>
  async (input: AdoptBodyInput): Promise<AdoptBodyResult> => {
    const { store, desk } = ports;
    const { policy, robotType } = input;
    const body = await readRobotType(store, robotType.id, robotType.version);
    const chain = await readRobotTypeVersions(store, robotType.id);
    await requireFollowing(store, policy, body, chain);
    const orders = await desk.readOrders(policy);
    const [trialId] = orders.current?.trialIds ?? [];
    if (trialId !== undefined)
      throw conflict(policy, `robots are on trial ${trialId}: adopt the body when it has ended`);
    await adoptForPolicy(ports, input);
    const { champion, baseline } = await readAliases(ports)({ policy });
    const made = new Map<string, Promise<Omit<AdoptedVersion, 'alias'>>>();
    const again = (version: string): Promise<Omit<AdoptedVersion, 'alias'>> => {
      const known = made.get(version) ?? registerAgain(ports, { policy, version, body, chain }, made.size === 0);
      made.set(version, known);
      return known;
    };
    // The baseline first: a candidate is what has a higher number than the champion.
    const second = baseline === undefined ? undefined : await again(baseline);
    const first = champion === undefined ? undefined : await again(champion);
    await follow(ports, input, { champion: first, baseline: second }, orders.seq + 1);
    return {
      robotType,
      versions: [
        ...(first === undefined ? [] : [{ alias: 'champion' as const, ...first }]),
        ...(second === undefined ? [] : [{ alias: 'baseline' as const, ...second }]),
      ],
    };
  };

const conflict = (policy: string, message: string): Error => failure('Conflict', message, { coordinates: { policy } });

/** What the policy learned from so far must be readable as the new body. */
async function requireFollowing(
  store: ObjectStore,
  policy: string,
  body: RobotType,
  chain: readonly RobotType[],
): Promise<void> {
  const { robotType } = await readPolicyDocument(store, policy);
  const now = await readRobotType(store, robotType.id, robotType.version);
  if (body.id !== now.id || body.version < now.version)
    throw conflict(policy, `expected a later version of ${robotTypeName(now)}, got ${robotTypeName(body)}`);
  if (body.version === now.version) return;
  const read = bodyMap({ from: now, to: body, chain });
  if (read.kind === 'refusal')
    throw conflict(policy, `expected a body that follows ${robotTypeName(now)}: ${read.reason}`);
  if (canonicalJson(body.tasks) !== canonicalJson(now.tasks))
    throw conflict(
      policy,
      `expected the tasks of ${robotTypeName(now)} in the same order, got others: change tasks with \`flywheel tasks\``,
    );
}

/** The same model under a new number that serves one body more. Idempotent by (version, body). */
async function registerAgain(
  ports: AdoptPorts,
  { policy, version, body, chain }: { policy: string; version: string; body: RobotType; chain: readonly RobotType[] },
  isFirst: boolean,
): Promise<Omit<AdoptedVersion, 'alias'>> {
  const { store } = ports;
  const manifest = await readManifest(ports, policy, version);
  const bodies = await bodiesWith(store, manifest, body, chain);
  if (typeof bodies === 'string') return { version, because: bodies };
  const operationId = `adopt-${robotTypeName(body)}-${version}`;
  const { files, version: _version, release: _release, registeredAtMs: _at, codeBuild: _build, ...facts } = manifest;
  const names = Object.keys(files).filter((name) => name !== bodiesFile);
  const registered = await registerModel(ports)({
    ...facts,
    operationId,
    change: isFirst ? 'major' : 'minor',
    parents: [version],
    modelSha256: files['model.onnx']?.sha256 ?? '',
    sources: Object.fromEntries(names.map((name) => [name, modelFile(policy, version, name)])),
    bodies: new TextEncoder().encode(canonicalJson({ bodies })),
  });
  return { version, registeredAs: registered.version };
}

/** The bodies of a version and one more; a sentence where it serves that already, or cannot. */
async function bodiesWith(
  store: ObjectStore,
  manifest: ModelManifest,
  body: RobotType,
  chain: readonly RobotType[],
): Promise<readonly VersionBody[] | string> {
  const { robotType } = manifest;
  const model = await readRobotType(store, robotType.id, robotType.version);
  const own = identityBody(model, robotType, { standing: 'proven', heldOutEpisodes: 0 });
  const listed = (await readVersionBodies(store, manifest))?.bodies ?? (own === undefined ? [] : [own]);
  const more = mappedBody({ model, body, chain, proven: { standing: 'unproven', heldOutEpisodes: 0 } });
  if (typeof more === 'string') return more;
  const isListed = listed.some((each) => isSameBody(each.robotType, more.robotType));
  return isListed ? `it lists ${robotTypeName(body)} already` : [...listed, more];
}

/** Robots are ordered first, aliases follow; what was measured of the champion holds for its new number, the model is the same. */
async function follow(
  ports: AdoptPorts,
  { policy, robotType, who, why }: AdoptBodyInput,
  made: Readonly<Record<'champion' | 'baseline', Omit<AdoptedVersion, 'alias'> | undefined>>,
  seq: number,
): Promise<void> {
  const { store, desk, clock } = ports;
  const [champion, baseline] = [made.champion?.registeredAs, made.baseline?.registeredAs];
  if (champion === undefined && baseline === undefined) return;
  const operationId = `adopt-${robotTypeName(robotType)}-${champion ?? baseline ?? ''}`;
  const origin = { policy, operationId, who, why };
  if (champion !== undefined && made.champion !== undefined) {
    const loss = await store.get(trialKeys.anchorLoss(policy, made.champion.version));
    if (loss !== undefined) await store.putIfAbsent(trialKeys.anchorLoss(policy, champion), loss);
    const written = await desk.orderChampion({ ...origin, seq, version: champion, atMs: clock() });
    const isOurs = written === 'written' || (await desk.readOrders(policy)).current?.operationId === operationId;
    if (!isOurs) throw conflict(policy, 'the fleet received other orders meanwhile: try again');
  }
  await moveAliases(ports, origin, ({ anchor }) => ({
    ...(baseline === undefined ? {} : { baseline }),
    ...(champion === undefined ? {} : { champion }),
    ...(champion !== undefined && anchor === made.champion?.version ? { anchor: champion } : {}),
  }));
}
