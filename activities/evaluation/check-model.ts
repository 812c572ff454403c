import { stat } from 'node:fs/promises';

import { gateVerdict, type GateResult } from '../../policies/gates/index.ts';
import { absoluteGates } from '../../policies/gates/absolute.ts';
import { seenCamerasOf, type SeenCamera } from '../../policies/seen-images.ts';
import { failure } from '../../store/failures.ts';
import type { ModelProbe } from '../ports/model-probe.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import { readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';

export interface CheckModelPorts {
  readonly store: ObjectStore;
  readonly probe: ModelProbe;
  readonly progress: Progress;
}

/** The model is a local file or an object. */
export type CheckModelInput = (
  | { readonly filePath: string; readonly key?: undefined }
  | { readonly key: string; readonly filePath?: undefined }
) & { readonly robotType: RobotTypeReference };

export interface CheckModelResult {
  readonly passed: 'pass' | 'hold';
  readonly gates: readonly GateResult[];
  /** Cameras that it sees; not there for a model of readings alone. */
  readonly cameras?: SeenCamera[];
  /** Frames that it reads at once; not there for the present alone. */
  readonly history?: number;
  /** Actions that it answers at once; not there for the present one alone. */
  readonly horizon?: number;
  /** Images of a camera that it sees at once; not there for the present ones alone. */
  readonly imageHistory?: number;
}

/** Runs the absolute gates on any ONNX file: those that need no data and no other version. Idempotent: it only looks. */
export const checkModel =
  (ports: CheckModelPorts) =>
  async (input: CheckModelInput): Promise<CheckModelResult> => {
    const type = await readTaughtType(ports.store, input.robotType);
    const path = input.filePath ?? (await ports.store.localPath(input.key));
    if (path === undefined || (await stat(path).catch(() => undefined)) === undefined)
      throw failure('NotFound', 'expected a model file, got none', {
        coordinates: { model: input.filePath ?? input.key },
      });
    const facts = await ports.probe.probe(path, type, ports.progress);
    const gates = absoluteGates(facts, type);
    const seen = seenCamerasOf(type).filter(({ name }) => facts.cameras?.includes(name));
    return {
      passed: gateVerdict(gates, false),
      gates,
      ...(seen.length === 0 ? {} : { cameras: seen }),
      ...(facts.history === undefined ? {} : { history: facts.history }),
      ...(facts.horizon === undefined ? {} : { horizon: facts.horizon }),
      ...(facts.imageHistory === undefined ? {} : { imageHistory: facts.imageHistory }),
    };
  };
