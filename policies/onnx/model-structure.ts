import { wireFields } from './protobuf-fields.ts';

/** A node of a model of any origin: what it does, what goes in and out, and the graphs it may run (branches, loop bodies). */
export interface ModelNode {
  readonly name: string;
  readonly operation: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly graphs: readonly ModelGraph[];
}

export interface ModelGraph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly ModelNode[];
}

/** A function that the model brings along; nodes call it by its name and domain. */
export interface ModelFunction extends ModelGraph {
  readonly name: string;
  readonly domain: string;
}

export interface ModelStructure {
  readonly graph: ModelGraph;
  readonly functions: readonly ModelFunction[];
  /** Names of tensors whose values lie in another file; the first few. */
  readonly externalTensors: readonly string[];
}

/** More is no policy for a robot; bounds what reading a stranger's file costs. */
const maxNodes = 100_000;
const maxNames = 1_000_000;
const maxDepth = 32;
const keptExternal = 5;

interface Growing {
  readonly inputs: string[];
  readonly outputs: string[];
  readonly nodes: ModelNode[];
}

const emptyGraph = (): Growing => ({ inputs: [], outputs: [], nodes: [] });

const text = new TextDecoder();

/**
 * Reads what a model does from its bytes, without running or loading it (onnx.proto of github.com/onnx/onnx gives the field
 * numbers). What comes twice is merged, as the runtime's parser does, so that nothing can hide. Throws a RangeError with a
 * sentence for bytes that are no model, or one too large to be looked at.
 */
export function readStructure(bytes: Uint8Array): ModelStructure {
  const reader = new StructureReader(bytes);
  const graph = emptyGraph();
  const functions: ModelFunction[] = [];
  for (const field of wireFields(bytes, 0, bytes.length)) {
    if (field.kind !== 'bytes') continue;
    if (field.number === 7) reader.graph(field, graph, 0);
    // Training information: its graphs are not run, but their tensors would be read.
    if (field.number === 20) reader.training(field);
    if (field.number === 25) functions.push(reader.modelFunction(field));
  }
  return { graph, functions, externalTensors: reader.externalTensors };
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Walks through the messages of one model, counting what it finds. */
class StructureReader {
  readonly externalTensors: string[] = [];
  readonly #bytes: Uint8Array;
  #nodeCount = 0;
  #nameCount = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** GraphProto: node 1, initializer 5, input 11, output 12, sparse_initializer 15. */
  graph(within: Stretch, into: Growing, depth: number): void {
    if (depth > maxDepth) throw new RangeError(`expected graphs at most ${maxDepth} deep in each other, got more`);
    for (const field of this.#stretches(within)) {
      if (field.number === 1) into.nodes.push(this.#node(field, depth));
      if (field.number === 5) this.#tensor(field);
      if (field.number === 11) into.inputs.push(this.#firstName(field));
      if (field.number === 12) into.outputs.push(this.#firstName(field));
      if (field.number === 15) this.#sparseTensor(field);
    }
  }

  training(within: Stretch): void {
    for (const field of this.#stretches(within))
      if (field.number === 1 || field.number === 2) this.graph(field, emptyGraph(), 0);
  }

  /** FunctionProto: name 1, input 4, output 5, node 7, domain 10, attribute_proto 11. */
  modelFunction(within: Stretch): ModelFunction {
    const found = { name: '', domain: '' };
    const body = emptyGraph();
    for (const field of this.#stretches(within)) {
      if (field.number === 1) found.name = this.#nameIn(field);
      if (field.number === 4) body.inputs.push(this.#nameIn(field));
      if (field.number === 5) body.outputs.push(this.#nameIn(field));
      if (field.number === 7) body.nodes.push(this.#node(field, 1));
      if (field.number === 10) found.domain = this.#nameIn(field);
      if (field.number === 11) this.#attribute(field, 1);
    }
    return { ...found, ...body };
  }

  /** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. */
  #node(within: Stretch, depth: number): ModelNode {
    this.#nodeCount += 1;
    if (this.#nodeCount > maxNodes) throw new RangeError(`expected at most ${maxNodes} nodes in a model, got more`);
    const found = { name: '', operation: '', domain: '' };
    const [inputs, outputs, graphs]: [string[], string[], ModelGraph[]] = [[], [], []];
    for (const field of this.#stretches(within)) {
      if (field.number === 1) inputs.push(this.#nameIn(field));
      if (field.number === 2) outputs.push(this.#nameIn(field));
      if (field.number === 3) found.name = this.#nameIn(field);
      if (field.number === 4) found.operation = this.#nameIn(field);
      if (field.number === 5) graphs.push(...this.#attribute(field, depth));
      if (field.number === 7) found.domain = this.#nameIn(field);
    }
    return { ...found, inputs, outputs, graphs };
  }

  /** AttributeProto: tensor 5 and 10, graph 6 and 11, sparse_tensor 22 and 23. */
  #attribute(within: Stretch, depth: number): readonly ModelGraph[] {
    const single = emptyGraph();
    const graphs: Growing[] = [];
    for (const field of this.#stretches(within)) {
      if (field.number === 5 || field.number === 10) this.#tensor(field);
      if (field.number === 22 || field.number === 23) this.#sparseTensor(field);
      if (field.number === 6) {
        if (!graphs.includes(single)) graphs.push(single);
        this.graph(field, single, depth + 1);
      }
      if (field.number === 11) {
        const one = emptyGraph();
        graphs.push(one);
        this.graph(field, one, depth + 1);
      }
    }
    return graphs;
  }

  /** TensorProto: name 8, external_data 13, data_location 14. */
  #tensor(within: Stretch): void {
    let isExternal = false;
    let name = '';
    for (const field of wireFields(this.#bytes, within.start, within.end)) {
      if (field.number === 13 && field.kind === 'bytes') isExternal = true;
      if (field.number === 14 && field.kind === 'varint' && field.value !== 0) isExternal = true;
      if (field.number === 8 && field.kind === 'bytes')
        name = text.decode(this.#bytes.subarray(field.start, field.end));
    }
    if (isExternal && this.externalTensors.length < keptExternal) this.externalTensors.push(name);
  }

  #sparseTensor(within: Stretch): void {
    for (const field of this.#stretches(within)) if (field.number === 1 || field.number === 2) this.#tensor(field);
  }

  *#stretches(within: Stretch): Generator<Stretch & { number: number }> {
    for (const field of wireFields(this.#bytes, within.start, within.end)) if (field.kind === 'bytes') yield field;
  }

  #nameIn({ start, end }: Stretch): string {
    this.#nameCount += 1;
    if (this.#nameCount > maxNames) throw new RangeError(`expected at most ${maxNames} names in a model, got more`);
    return text.decode(this.#bytes.subarray(start, end));
  }

  #firstName(within: Stretch): string {
    for (const field of this.#stretches(within)) if (field.number === 1) return this.#nameIn(field);
    return '';
  }
}
