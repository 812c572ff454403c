import { imagePort } from './images/camera-layers.ts';
import { readDeclaration, type Declaration } from './onnx/declared-ports.ts';
import { editPorts, isPortType, type PortEdit, type PortEdits, type PortType } from './onnx/edit-ports.ts';
import { policyOutput, policyPorts, type PolicySizes } from './policy-io.ts';
import { describePorts } from './port-advice.ts';

/** What a policy's port is called: what the model calls it. */
export type PortMap = ReadonlyMap<string, string>;

export type FittedModel =
  | { readonly kind: 'asIs' }
  | { readonly kind: 'mended'; readonly model: Uint8Array; readonly changes: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Makes of a model of any origin one with the ports of a policy, where that changes nothing that it computes: names as mapped, double
 * and half precision and int64 tasks by a cast, a batch size fixed at 1 opened, outputs beside a mapped one dropped. All else stays for
 * the gates to say, which judge the copy: one that needed its batch of 1 fails there. Same model, same map: same bytes.
 */
export function fitModel(model: Uint8Array, sizes: PolicySizes, map: PortMap = new Map()): FittedModel {
  let declared: Declaration;
  try {
    declared = readDeclaration(model);
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'asIs' };
    throw error;
  }
  const wanted = wantedPorts(sizes);
  const problem = mapProblem(declared, wanted, map);
  if (problem !== undefined) return { kind: 'refused', reason: problem };
  if (declared.graph === undefined) return { kind: 'asIs' };
  const planned = wanted.flatMap((port) => planPort(port, declared, map.get(port.name) ?? port.name));
  const output = map.get(policyOutput(sizes.head));
  const dropped =
    output === undefined ? [] : declared.outputs.map(({ name }) => name).filter((name) => name !== output);
  if (planned.length + dropped.length === 0) return { kind: 'asIs' };
  const edits: PortEdits = {
    inputs: planned.filter(({ isInput }) => isInput).map(({ edit }) => edit),
    outputs: planned.filter(({ isInput }) => !isInput).map(({ edit }) => edit),
    dropped,
  };
  const copy = editedOrUndefined(model, edits);
  if (copy === undefined) return { kind: 'asIs' };
  return {
    kind: 'mended',
    model: copy,
    changes: [
      ...planned.flatMap(({ changes }) => changes),
      ...dropped.map((name) => `output ${JSON.stringify(name)} was dropped`),
    ],
  };
}

/** Undefined for bytes that are no model further inside: the gates say so. */
function editedOrUndefined(model: Uint8Array, edits: PortEdits): Uint8Array | undefined {
  try {
    return editPorts(model, edits);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface WantedPort {
  readonly name: string;
  readonly isInput: boolean;
  readonly type: PortType;
  /** Types that become this one by a cast without harm. */
  readonly castable: readonly PortType[];
}

const wantedPorts = (sizes: PolicySizes): readonly WantedPort[] => [
  { name: policyPorts.observation, isInput: true, type: 'float32', castable: ['float64', 'float16'] },
  { name: policyPorts.task, isInput: true, type: 'int32', castable: ['int64'] },
  ...(sizes.cameras ?? []).map(({ name }): WantedPort => ({
    name: imagePort(name),
    isInput: true,
    type: 'uint8',
    castable: [],
  })),
  { name: policyOutput(sizes.head), isInput: false, type: 'float32', castable: ['float64', 'float16'] },
];

function mapProblem(declared: Declaration, wanted: readonly WantedPort[], map: PortMap): string | undefined {
  const known = wanted.map(({ name }) => name);
  const used = new Set<string>();
  for (const [name, from] of map) {
    const port = wanted.find((each) => each.name === name);
    if (port === undefined) return `expected --map-ports to map ${known.join(', ')}, got ${JSON.stringify(name)}`;
    const kind = port.isInput ? 'input' : 'output';
    const ports = port.isInput ? declared.inputs : declared.outputs;
    if (ports.every((each) => each.name !== from))
      return `expected --map-ports ${name}= one of the model's ${kind}s (${describePorts(ports)}), got ${JSON.stringify(from)}`;
    const id = `${kind} ${from}`;
    if (used.has(id))
      return `expected --map-ports to use each ${kind} of the model once, got ${JSON.stringify(from)} twice`;
    used.add(id);
  }
  for (const [name, from] of map) {
    const isOutput = wanted.some((each) => each.name === name && !each.isInput);
    const stays = declared.inputs.some((each) => each.name === name) && ![...map.values()].includes(name);
    if (!isOutput && from !== name && stays)
      return `expected --map-ports ${name}=${name}, the model's own input of that name, or another input of another name, got ${JSON.stringify(from)}`;
  }
  return undefined;
}

interface PlannedPort {
  readonly isInput: boolean;
  readonly edit: PortEdit;
  readonly changes: readonly string[];
}

function planPort(port: WantedPort, declared: Declaration, from: string): readonly PlannedPort[] {
  const found = (port.isInput ? declared.inputs : declared.outputs).find(({ name }) => name === from);
  if (found === undefined || !isPortType(found.type)) return [];
  const { name, type, isInput } = port;
  const kind = isInput ? 'input' : 'output';
  const castFrom = port.castable.find((each) => each === found.type);
  const opens = found.shape[0] === 1;
  const changes = [
    ...(from === name ? [] : [`${kind} ${JSON.stringify(from)} is now ${name}`]),
    ...(castFrom === undefined ? [] : [`${kind} ${name} is ${type} now, cast ${isInput ? 'to' : 'from'} ${castFrom}`]),
    ...(opens ? [`the batch size of ${kind} ${name} was 1 and is open now`] : []),
  ];
  if (changes.length === 0) return [];
  const edit: PortEdit = {
    from,
    name,
    type: castFrom === undefined ? found.type : type,
    ...(castFrom === undefined ? {} : { castFrom }),
    shape: opens ? ['batch', ...found.shape.slice(1)] : found.shape,
  };
  return [{ isInput, edit, changes }];
}
