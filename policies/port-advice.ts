import type { ModelPort } from './runtime.ts';

export interface AdvisedPort {
  readonly kind: 'input' | 'output';
  readonly name: string;
  readonly type: string;
  /** Undefined for one number a row. */
  readonly width: number | undefined;
}

const longestName = 60;
const mostPorts = 5;

/** `input_0 float32 [batch, 2]; …`, at most five. */
export const describePorts = (ports: readonly ModelPort[]): string =>
  ports.length === 0
    ? 'none'
    : ports.slice(0, mostPorts).map(describePort).join('; ') + (ports.length > mostPorts ? '; …' : '');

const describePort = ({ name, type, shape }: ModelPort): string =>
  isNoTensor(type) ? `${shortName(name)}, a sequence or map` : `${shortName(name)} ${type} [${shape.join(', ')}]`;

const shortName = (name: string): string => (name.length > longestName ? `${name.slice(0, longestName)}…` : name);

/** Sequences and maps: the runtime calls them `unknown`, the file says which. */
const isNoTensor = (type: string): boolean => ['unknown', 'sequence', 'map'].includes(type);

/** Where a port is missing: which of the model's others it may be, and what to do. `others`: those of no known name. */
export function missingAdvice(wanted: AdvisedPort, others: readonly ModelPort[]): string {
  const candidates = others.filter((port) => mayBe(wanted, port));
  const [first, ...more] = candidates;
  if (first !== undefined && more.length === 0)
    return ` of this name; if it is ${describePort(first)}: --map-ports ${wanted.name}=${shortName(first.name)}`;
  if (first !== undefined)
    return ` of this name, but ${candidates.length} that it may be (${describePorts(candidates)}): say which by --map-ports ${wanted.name}=NAME`;
  const list = others.find(({ type }) => isNoTensor(type));
  if (list !== undefined && wanted.kind === 'output')
    return ` that is a tensor (${shortName(list.name)} is a sequence or map); ${zipMap}`;
  const near = others.find((port) => port.shape.length === 2 && floats.includes(port.type));
  return near === undefined || wanted.width === undefined
    ? ''
    : ` of this name and width (${describePort(near)}); ${widthAdvice(wanted.width)}`;
}

const zipMap =
  "export a scikit-learn classifier without ZipMap: skl2onnx.to_onnx(model, X[:1].astype(numpy.float32), options={'zipmap': False})";

/** Where a port has its name and does not fit: how to export it right. */
export function misfitAdvice(wanted: AdvisedPort, { type, shape }: ModelPort): string {
  if (isNoTensor(type)) return `; ${zipMap}`;
  if (wanted.type === 'float32' && type !== 'float32')
    return '; export it in float32: model.float() before torch.onnx.export, X.astype(numpy.float32) for skl2onnx.to_onnx';
  if (wanted.type === 'int32' && type !== 'int32') return '; give torch.onnx.export an example of torch.int32';
  if (typeof shape[0] === 'number')
    return `; torch.onnx.export(…, dynamic_axes={${pythonText(wanted.name)}: {0: 'batch'}}), with every input and output there`;
  const width = shape.at(-1);
  if (wanted.width !== undefined && width !== wanted.width) return `; ${widthAdvice(wanted.width)}`;
  return '';
}

const widthAdvice = (width: number): string =>
  `the robot type has ${width} in this order: \`flywheel robot-types show\`; train on all of them, or add a robot type of those that the model reads`;

const pythonText = (name: string): string => `'${name}'`;

const floats: readonly string[] = ['float32', 'float64', 'float16'];

function mayBe({ type, width }: AdvisedPort, port: ModelPort): boolean {
  if (type === 'int32') return (port.type === 'int32' || port.type === 'int64') && port.shape.length === 1;
  const last = port.shape.at(-1);
  return floats.includes(port.type) && port.shape.length >= 2 && (last === width || typeof last === 'string');
}
