import { createHash } from 'node:crypto';

import type { ChampionDesk } from '../../fleet/desk/champion-desk.ts';
import { checkModel } from '../evaluation/check-model.ts';
import { failure } from '../../store/failures.ts';
import { readTaughtType } from '../../store/records/robot-types.ts';
import { moveAliases, readAliases } from '../../store/records/aliases.ts';
import { createPolicyDocument, pinnedTasks } from './policy-document.ts';
import { registeredSight, registeredType } from './registered-type.ts';
import { versionBodiesFile } from './version-bodies-file.ts';
import { registerModel, type RegisterModelResult } from './register-model.ts';

type Ports = Parameters<typeof registerModel>[0] & Parameters<typeof checkModel>[0] & { readonly desk: ChampionDesk };

export interface RegisterBaselineInput {
  readonly policy: string;
  readonly robotType: { readonly id: string; readonly version: number };
  /** Bytes of an ONNX file. */
  readonly model: Uint8Array;
  readonly who: string;
  readonly why: string;
}

/**
 * Registers a model as the safe fallback of a policy after the absolute gates; a policy without a champion gets it as
 * champion and anchor too, and its robots are ordered onto it. It is proven on its own body, and lists those that are read as it as unproven.
 * Idempotent by (policy, content of the model).
 */
export const registerBaseline =
  (ports: Ports) =>
  async (input: RegisterBaselineInput): Promise<RegisterModelResult> => {
    const { policy, robotType } = input;
    const catalogue = await pinnedTasks(ports.store, policy, robotType);
    const type = await readTaughtType(ports.store, { ...robotType, ...catalogue });
    const modelSha256 = createHash('sha256').update(input.model).digest('hex');
    const key = `baselines/${policy}/${modelSha256}/model.onnx`;
    await ports.store.putIfAbsent(key, input.model);
    const { passed, gates, ...sight } = await checkModel(ports)({ key, robotType: { ...robotType, ...catalogue } });
    if (passed !== 'pass') {
      const failed = gates.filter((gate) => gate.outcome !== 'pass').map((gate) => gate.sentence);
      throw failure('InvalidInput', `expected a model that passes the absolute gates, got: ${failed.join('; ')}`);
    }
    await createPolicyDocument(ports.store, { policy, robotType });
    const operationId = `baseline-${modelSha256.slice(0, 16)}`;
    const registered = await registerModel(ports)({
      operationId,
      policy,
      change: 'minor',
      ...registeredType(type),
      ...registeredSight(sight),
      bodies: await versionBodiesFile(ports.store, type, undefined),
      sources: { 'model.onnx': key },
      modelSha256,
      parents: [],
      training: null,
      metrics: {},
      gates: gates.map(({ id, outcome, value, limit }) => ({ id, outcome, value, limit })),
    });
    const { version } = registered;
    const origin = { policy, operationId, who: input.who, why: input.why };
    // A log that is not empty has its orders already, from here or from elsewhere.
    if ((await readAliases(ports)(input)).champion === undefined)
      await ports.desk.orderChampion({ ...origin, seq: 0, version, atMs: ports.clock() });
    await moveAliases(ports, origin, (aliases) =>
      aliases.champion === undefined
        ? { baseline: version, champion: version, anchor: version }
        : { baseline: version },
    );
    return registered;
  };
