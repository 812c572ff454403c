import type { RobotType } from '../../datasets/robot-type.ts';
import type { AbsoluteFacts } from '../../policies/gates/index.ts';
import type { ModelPort, Tensors } from '../../policies/runtime.ts';

/** What the child is told; one job at a time. */
export type ChildJob =
  | { readonly kind: 'probe'; readonly model: Uint8Array; readonly type: RobotType; readonly seed: number }
  | { readonly kind: 'open'; readonly model: Uint8Array; readonly threads: number }
  | { readonly kind: 'run'; readonly feeds: Tensors };

/** What it says. */
export type ChildAnswer =
  | { readonly kind: 'progress'; readonly details: Readonly<Record<string, number>> }
  | { readonly kind: 'facts'; readonly facts: AbsoluteFacts }
  | { readonly kind: 'opened'; readonly inputs: readonly ModelPort[]; readonly outputs: readonly ModelPort[] }
  | { readonly kind: 'results'; readonly results: Tensors }
  | { readonly kind: 'failed'; readonly reason: string };
