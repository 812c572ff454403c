import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

import type { GraphRuntime, ModelPort, Tensor, TensorType } from '../../policies/runtime.ts';
import { dictionary } from '../../domain/dictionary.ts';

export interface OnnxRuntimeOptions {
  /** Threads inside an operator. One by default: results are then equal on every run, and other work keeps a core. */
  readonly threads?: number;
}

const errorsOnly = 3;

/**
 * GraphRuntime by onnxruntime on the CPU. A run blocks the thread until the model is through, so callers keep batches small.
 * https://onnxruntime.ai/docs/api/js/interfaces/InferenceSession.SessionOptions.html
 */
export const onnxRuntime = ({ threads = 1 }: OnnxRuntimeOptions = {}): GraphRuntime => ({
  async open(model) {
    const session = await InferenceSession.create(model, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: errorsOnly,
    });
    return {
      inputs: session.inputMetadata.map(modelPort),
      outputs: session.outputMetadata.map(modelPort),
      async run(feeds) {
        const results = await session.run(mapTensors(feeds, ortTensor));
        return mapTensors(results, ownTensor);
      },
      close: () => session.release(),
    };
  },
});

const modelPort = (metadata: InferenceSession.ValueMetadata): ModelPort =>
  metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: 'unknown', shape: [] };

const mapTensors = <From, To>(
  tensors: Readonly<Record<string, From>>,
  convert: (tensor: From) => To,
): Record<string, To> => dictionary(Object.entries(tensors).map(([name, tensor]) => [name, convert(tensor)] as const));

function ortTensor({ type, data, shape }: Tensor): OrtTensor {
  return new OrtTensor(type, data, [...shape]);
}

const readableTypes: readonly string[] = ['float32', 'int32', 'int64'] satisfies TensorType[];

function ownTensor(tensor: OrtTensor): Tensor {
  if (!readableTypes.includes(tensor.type))
    throw new Error(`expected outputs of type ${readableTypes.join(', ')}, got ${tensor.type}`);
  return { type: tensor.type as TensorType, data: tensor.data as Tensor['data'], shape: tensor.dims };
}
