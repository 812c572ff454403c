import { createHash } from 'node:crypto';

import { canonicalJson } from '../domain/canonical-json.ts';
import type { RobotType } from './robot-type.ts';

/** Names the exact content of a robot type document: sha256 of its canonical JSON, 64 hex digits. Segments and manifests pin it. */
export const robotTypeDigest = (type: RobotType): string =>
  createHash('sha256').update(canonicalJson(type)).digest('hex');
