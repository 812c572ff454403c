/** What runs ONNX models, in our own words; `activities/adapters/onnx-runtime.ts` is the one that ships. */

export type TensorType = 'float32' | 'int32' | 'int64' | 'uint8';

/** Row-major values; a runtime reads `data` where it lies. */
export interface Tensor {
  readonly type: TensorType;
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
  readonly shape: readonly number[];
}
export type Tensors = Readonly<Record<string, Tensor>>;

/** An input or output as the model declares it; sizes that are not fixed come as a name or an empty text. */
export interface ModelPort {
  readonly name: string;
  /** As the runtime spells it, e.g. `float32`; `unknown` for what is no tensor. */
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface GraphSession {
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  /** Runs the model once; outputs are new tensors. Throws when the feeds do not fit or the model fails. */
  run(feeds: Tensors): Promise<Tensors>;
  close(): Promise<void>;
}

export interface GraphRuntime {
  /** Loads a model. Throws when the bytes are no model this runtime can run. */
  open(model: Uint8Array): Promise<GraphSession>;
}

export const float32Tensor = (data: Float32Array, shape: readonly number[]): Tensor => ({
  type: 'float32',
  data,
  shape,
});
export const int32Tensor = (data: Int32Array, shape: readonly number[]): Tensor => ({ type: 'int32', data, shape });
export const uint8Tensor = (data: Uint8Array, shape: readonly number[]): Tensor => ({ type: 'uint8', data, shape });
