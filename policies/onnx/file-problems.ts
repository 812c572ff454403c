import { readDeclaration } from './declared-ports.ts';
import { readStructure, type ModelStructure } from './model-structure.ts';

/** The structure of a model that may be loaded, or in a sentence why it must not be. */
export type ModelFileCheck =
  | { readonly kind: 'whole'; readonly structure: ModelStructure }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Looks at a model file before any runtime does. A model is one file: where the values of a tensor lie in another (external
 * data), the runtime would read any file that the model names. Gates and robots both ask this.
 */
export function checkModelFile(bytes: Uint8Array): ModelFileCheck {
  let structure: ModelStructure;
  try {
    structure = readStructure(bytes);
  } catch (error) {
    return { kind: 'refused', reason: `expected an ONNX file, got something else: ${(error as Error).message}` };
  }
  const [first] = structure.externalTensors;
  if (first === undefined) return { kind: 'whole', structure };
  return {
    kind: 'refused',
    reason: `expected all weights inside the file, got external data (tensor ${JSON.stringify(first.slice(0, 80))}); save the model as one file: onnx.save(model, path, save_as_external_data=False), or torch.onnx.export(…, external_data=False)`,
  };
}

/** Newest versions that the shipped runtime loads; a test asks it. */
export const newestOperatorSet = 26;
export const newestIrVersion = 13;

/** Why a runtime did not load a model, in our words where we know better: it is too new. */
export function loadProblem(bytes: Uint8Array, message: string): string {
  const { operatorSet, irVersion } = readDeclaration(bytes);
  if (operatorSet > newestOperatorSet)
    return `expected ONNX operators of version ${newestOperatorSet} or older, got ${operatorSet}; torch.onnx.export(…, opset_version=17), skl2onnx.to_onnx(…, target_opset=17), or onnx.version_converter.convert_version(model, 17)`;
  if (irVersion > newestIrVersion)
    return `expected an ONNX file of IR version ${newestIrVersion} or older, got ${irVersion}; set model.ir_version = 10 before onnx.save(model, path), or export with an older onnx package`;
  return message;
}
