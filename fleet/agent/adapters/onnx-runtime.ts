import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

import type { ModelPort, Tensor, Tensors, TensorType } from '../../../policies/runtime.ts';
import type { PolicyRuntime } from '../versions/policy-runtime.ts';
import { dictionary } from '../../../domain/dictionary.ts';

const errorsOnly = 3;
const readableTypes: readonly string[] = ['float32', 'int32', 'int64'] satisfies TensorType[];

/**
 * PolicyRuntime by onnxruntime on the robot's CPU, one thread unless said otherwise: the rest of the robot keeps its cores.
 * https://onnxruntime.ai/docs/api/js/interfaces/InferenceSession.SessionOptions.html
 */
export const onnxPolicyRuntime = ({ threads = 1 }: { readonly threads?: number } = {}): PolicyRuntime => ({
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
        const given = Object.entries(feeds).map(([name, { type, data, shape }]): [string, OrtTensor] => [
          name,
          new OrtTensor(type, data, [...shape]),
        ]);
        const results = await session.run(dictionary(given));
        return dictionary(
          Object.entries(results).map(([name, tensor]) => [name, ownTensor(tensor)] as const),
        ) as Tensors;
      },
      close: () => session.release(),
    };
  },
});

const modelPort = (metadata: InferenceSession.ValueMetadata): ModelPort =>
  metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: 'unknown', shape: [] };

function ownTensor(tensor: OrtTensor): Tensor {
  if (!readableTypes.includes(tensor.type))
    throw new Error(`expected outputs of type ${readableTypes.join(', ')}, got ${tensor.type}`);
  return { type: tensor.type as TensorType, data: tensor.data as Tensor['data'], shape: tensor.dims };
}
