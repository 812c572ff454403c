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

const text = new TextDecoder();

/**
 * Reads what a model does from its bytes, without running or loading it (onnx.proto of github.com/onnx/onnx gives the field
 * numbers). What comes twice is merged, as the runtime's parser does, so that nothing can hide. Throws a RangeError with a
 * sentence for bytes that are no model, or one too large to be looked at.
 */
export function readStructure(bytes: Uint8Array): ModelStructure {
  const reader = structureReader(bytes);
  const graph: Growing = { inputs: [], outputs: [], nodes: [] };
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

function structureReader(bytes: Uint8Array) {
  const externalTensors: string[] = [];
  let [nodeCount, nameCount] = [0, 0];
  const stretches = function* (within: Stretch): Generator<Stretch & { number: number }> {
    for (const field of wireFields(bytes, within.start, within.end)) if (field.kind === 'bytes') yield field;
  };
  const nameIn = ({ start, end }: Stretch): string => {
    nameCount += 1;
    if (nameCount > maxNames) throw new RangeError(`expected at most ${maxNames} names in a model, got more`);
    return text.decode(bytes.subarray(start, end));
  };
  const firstName = (within: Stretch): string => {
    for (const field of stretches(within)) if (field.number === 1) return nameIn(field);
    return '';
  };

  function tensor(within: Stretch): void {
    let isExternal = false;
    let name = '';
    for (const field of wireFields(bytes, within.start, within.end)) {
      if (field.number === 13 && field.kind === 'bytes') isExternal = true;
      if (field.number === 14 && field.kind === 'varint' && field.value !== 0) isExternal = true;
      if (field.number === 8 && field.kind === 'bytes') name = text.decode(bytes.subarray(field.start, field.end));
    }
    if (isExternal && externalTensors.length < keptExternal) externalTensors.push(name);
  }
  function sparseTensor(within: Stretch): void {
    for (const field of stretches(within)) if (field.number === 1 || field.number === 2) tensor(field);
  }
  function attribute(within: Stretch, depth: number): readonly ModelGraph[] {
    const single: Growing = { inputs: [], outputs: [], nodes: [] };
    const graphs: Growing[] = [];
    for (const field of stretches(within)) {
      if (field.number === 5 || field.number === 10) tensor(field);
      if (field.number === 22 || field.number === 23) sparseTensor(field);
      if (field.number === 6) {
        if (!graphs.includes(single)) graphs.push(single);
        graph(field, single, depth + 1);
      }
      if (field.number === 11) {
        const one: Growing = { inputs: [], outputs: [], nodes: [] };
        graphs.push(one);
        graph(field, one, depth + 1);
      }
    }
    return graphs;
  }
  function node(within: Stretch, depth: number): ModelNode {
    nodeCount += 1;
    if (nodeCount > maxNodes) throw new RangeError(`expected at most ${maxNodes} nodes in a model, got more`);
    const found = { name: '', operation: '', domain: '' };
    const [inputs, outputs, graphs]: [string[], string[], ModelGraph[]] = [[], [], []];
    for (const field of stretches(within)) {
      if (field.number === 1) inputs.push(nameIn(field));
      if (field.number === 2) outputs.push(nameIn(field));
      if (field.number === 3) found.name = nameIn(field);
      if (field.number === 4) found.operation = nameIn(field);
      if (field.number === 5) graphs.push(...attribute(field, depth));
      if (field.number === 7) found.domain = nameIn(field);
    }
    return { ...found, inputs, outputs, graphs };
  }
  function graph(within: Stretch, into: Growing, depth: number): void {
    if (depth > maxDepth) throw new RangeError(`expected graphs at most ${maxDepth} deep in each other, got more`);
    for (const field of stretches(within)) {
      if (field.number === 1) into.nodes.push(node(field, depth));
      if (field.number === 5) tensor(field);
      if (field.number === 11) into.inputs.push(firstName(field));
      if (field.number === 12) into.outputs.push(firstName(field));
      if (field.number === 15) sparseTensor(field);
    }
  }
  return {
    externalTensors,
    graph,
    training(within: Stretch): void {
      for (const field of stretches(within))
        if (field.number === 1 || field.number === 2) graph(field, { inputs: [], outputs: [], nodes: [] }, 0);
    },
    /** FunctionProto: name 1, input 4, output 5, node 7, domain 10, attribute_proto 11. */
    modelFunction(within: Stretch): ModelFunction {
      const found = { name: '', domain: '' };
      const body: Growing = { inputs: [], outputs: [], nodes: [] };
      for (const field of stretches(within)) {
        if (field.number === 1) found.name = nameIn(field);
        if (field.number === 4) body.inputs.push(nameIn(field));
        if (field.number === 5) body.outputs.push(nameIn(field));
        if (field.number === 7) body.nodes.push(node(field, 1));
        if (field.number === 10) found.domain = nameIn(field);
        if (field.number === 11) attribute(field, 1);
      }
      return { ...found, ...body };
    },
  };
}
