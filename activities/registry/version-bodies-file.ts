import { canonicalJson } from '../../domain/canonical-json.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { mappedBody } from '../../policies/mapped-body.ts';
import { versionBodiesProblems, versionBodiesSchema, type VersionBody } from '../../policies/version-bodies.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotTypeVersions } from '../../store/records/robot-types.ts';
import type { EvaluationDocument } from '../evaluation/evaluation-document.ts';
import { readBodies } from '../mix/bodies.ts';

/** What was found out about a version's bodies; undefined for a model that no held-out data judged and a person answers for, on its own body. */
type Judgement = Pick<EvaluationDocument, 'bodies' | 'episodes'> | undefined;

/**
 * Bytes of `bodies.json` of a version for `type`: every body whose data is read as its own, `proven` where the evaluation says so of it, and its own
 * where no body was judged apart. Undefined where it is proven on its own body and there is no other: the version serves its robot type
 * alone. A body that robots could not be served by is left out.
 */
export async function versionBodiesFile(
  store: ObjectStore,
  type: RobotType,
  judged: Judgement,
): Promise<Uint8Array | undefined> {
  const { read } = await readBodies(store, type);
  const chain = await readRobotTypeVersions(store, type.id);
  const model = { id: type.id, version: type.version, digest: robotTypeDigest(type) };
  const bodies: VersionBody[] = [];
  for (const { type: body } of read) {
    const verdict = judged?.bodies.find(({ digest }) => digest === robotTypeDigest(body));
    const isOwn = body.version === type.version;
    const standing = verdict?.standing ?? (isOwn && isProvenAlone(judged) ? 'proven' : 'unproven');
    const proven = { standing, heldOutEpisodes: verdict?.episodes ?? 0 } as const;
    const mapped = mappedBody({ model: type, body, chain, proven });
    if (typeof mapped === 'string') continue;
    const own = bodies[0] ?? mapped;
    const alone = versionBodiesSchema.safeParse({ bodies: own === mapped ? [own] : [own, mapped] });
    if (alone.success && versionBodiesProblems(alone.data, model).length === 0) bodies.push(mapped);
  }
  if (bodies.length < 2 && bodies[0]?.standing !== 'unproven') return undefined;
  return new TextEncoder().encode(canonicalJson({ bodies }));
}

/** A held-out set of one body judges no body apart: the gates that the model passed were those of its own. A set of none proves nothing. */
const isProvenAlone = (judged: Judgement): boolean =>
  judged === undefined || (judged.bodies.length === 0 && judged.episodes > 0);
