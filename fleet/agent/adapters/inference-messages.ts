import type { ModelPort, Tensors } from '../../../policies/runtime.ts';
import type { PictureFeed } from '../versions/robot-images.ts';

/** What an agent asks of the process that runs a model for it; one request at a time is answered, in order. */
export type InferenceRequest =
  | {
      readonly id: number;
      readonly kind: 'open';
      readonly model: { readonly file: string } | { readonly bytes: Uint8Array };
      /** One unless given. */
      readonly threads?: number;
    }
  | {
      readonly id: number;
      readonly kind: 'run';
      readonly feeds: Tensors;
      /** Inputs that are decoded and scaled first. */
      readonly pictures?: readonly PictureFeed[];
    }
  | {
      readonly id: number;
      readonly kind: 'scale';
      /** Decoded and scaled, and given back; the model is not run. */
      readonly pictures: readonly PictureFeed[];
    };

export interface OpenedModel {
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
}

export type InferenceAnswer =
  | { readonly id: number; readonly opened: OpenedModel }
  | {
      readonly id: number;
      readonly results: Tensors;
      readonly decodingMs: number;
      /** RGB by port of the pictures that are one of several at once: the agent keeps them. */
      readonly scaled?: ReadonlyMap<string, Uint8Array>;
    }
  | { readonly id: number; readonly badImage: string }
  | { readonly id: number; readonly error: string };
