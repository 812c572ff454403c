import { createHash } from 'node:crypto';

import { canonicalJson } from '../domain/canonical-json.ts';
import { limitDefaults, type RobotType } from './robot-type.ts';
import { documentOf } from './taught-type.ts';

/**
 * Names the exact content of a robot type document: sha256 of its canonical JSON (RFC 8785), defaults filled in, 64 hex digits.
 * That is the document under `config/robot-types/`, whatever a catalogue added to its tasks. Manifests pin it, segments may pin any of {@link acceptedDigests}.
 */
export const robotTypeDigest = (type: RobotType): string =>
  createHash('sha256')
    .update(canonicalJson(documentOf(type)))
    .digest('hex');

/**
 * Digests that name a document of this content: of the document with its defaults filled in, as the store holds it, first;
 * then of the same document as a person may have written it, without some of what has a default.
 */
export function acceptedDigests(type: RobotType): readonly string[] {
  const { limits } = type;
  const defaulted = Object.keys(limitDefaults).filter((name) => isDefault(limits, name));
  const subsets = Array.from({ length: 2 ** defaulted.length }, (_, bits) =>
    defaulted.filter((_name, bit) => (bits & (1 << bit)) !== 0),
  );
  return subsets.map((left) => {
    const written = Object.fromEntries(Object.entries(limits).filter(([name]) => !left.includes(name)));
    return createHash('sha256')
      .update(canonicalJson({ ...documentOf(type), limits: written }))
      .digest('hex');
  });
}

const isDefault = (limits: RobotType['limits'], name: string): boolean => {
  const given = Object.entries(limits).find(([known]) => known === name)?.[1];
  return JSON.stringify(given) === JSON.stringify(Object.entries(limitDefaults).find(([known]) => known === name)?.[1]);
};
