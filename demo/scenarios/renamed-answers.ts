import type { WireNode } from '../../policies/onnx/wire-format.ts';
import { policyPorts } from '../../policies/policy-io.ts';

/** The nodes of a model whose answers get another name, so that what is built around it has the last word. */
export const answersRenamed = (nodes: readonly WireNode[], name: string): readonly WireNode[] =>
  nodes.map((node) => ({
    ...node,
    output: node.output.map((output) => (output === policyPorts.discrete ? name : output)),
  }));
