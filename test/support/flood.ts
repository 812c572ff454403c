import { createHash } from 'node:crypto';

import { fleetKeys, telemetryHour } from '../../fleet/desk/keys.ts';
import type { ObjectStore } from '../../store/object-store.ts';

const entriesOfLine = 500;

/**
 * What a robot without measure can leave behind, in one object: so many episodes, every second sequence number missing, every line
 * from another life, so that nothing joins anything.
 */
export async function writeFlood(
  store: ObjectStore,
  policy: string,
  { robotId, entries, receivedMs }: { readonly robotId: string; readonly entries: number; readonly receivedMs: number },
): Promise<void> {
  const lines = Array.from({ length: Math.ceil(entries / entriesOfLine) }, (_, line) => {
    const bootId = `01J0000000000000000000${String(line).padStart(4, '0')}`;
    const of = Array.from({ length: entriesOfLine }, (__, index) => episode(2 * index, receivedMs));
    return `${JSON.stringify({ robotId, bootId, receivedMs, clockSkewMs: 0, entries: of })}\n`;
  });
  const bytes = new TextEncoder().encode(lines.join(''));
  const digest = createHash('sha256').update(bytes).digest('hex');
  await store.put(`${fleetKeys.telemetryHour(policy, telemetryHour(receivedMs))}/${digest}`, bytes);
}

const episode = (seq: number, atMs: number) => ({
  kind: 'episode',
  seq,
  atMs,
  policyVersion: '1.0.0',
  trialId: null,
  episodeId: '01J00000000000000000000001',
  task: 'follow',
  durationMs: 60_000,
  outcome: 'failure',
  failureReason: 'collision',
  intervened: false,
  latencyP50Ms: 3,
});
