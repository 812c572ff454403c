import { wallFollowingActions, wallFollowingSectors } from '../../datasets/wall-following-rule.ts';
import { createGraph, type Graph, type Value } from '../../policies/onnx/graph.ts';
import { policyPorts } from '../../policies/policy-io.ts';

/** Distances at which a hand-written wall follower changes its mind, metres. */
export interface RuleDistances {
  /** Front nearer: sharp right. */
  readonly frontM: number;
  /** Left wall farther: slight left. */
  readonly farM: number;
  /** Left wall nearer: slight right. */
  readonly closeM: number;
  /** A left wall nearer than this blinds it: all readings count as far. Default: never. */
  readonly blindM?: number;
}

const readings = 24;
const reachM = 5;
const all = 'batch';

/**
 * A wall follower written by hand, as an ONNX file that no trainer made: the rule of the expert with distances of one's own.
 * Same distances, same bytes.
 */
export function rulePolicy({ frontM, farM, closeM, blindM = 0 }: RuleDistances): Uint8Array {
  const graph = createGraph('rule');
  const observation = graph.input(policyPorts.observation, 'float32', [all, readings]);
  // The rule is the same for every task; robot types with several ask for the input.
  graph.input(policyPorts.task, 'int32', [all]);
  const [front, left] = [nearest(graph, observation, 'front'), nearest(graph, observation, 'left')];
  const isBlind = below(graph, left, blindM);
  const far = graph.scalar(reachM);
  const seen = (distance: Value): Value => graph.node('Where', [isBlind, far, distance], [all, 1], {}, 'float32');
  const [seenFront, seenLeft] = [seen(front), seen(left)];
  const sharpRight = asNumber(graph, below(graph, seenFront, frontM));
  const isFree = graph.node('Sub', [graph.scalar(1), sharpRight], [all, 1]);
  const isNear = asNumber(graph, below(graph, seenLeft, farM));
  const isClose = asNumber(graph, below(graph, seenLeft, closeM));
  const slightLeft = graph.node('Mul', [isFree, graph.node('Sub', [graph.scalar(1), isNear], [all, 1])], [all, 1]);
  const slightRight = graph.node('Mul', [isFree, isClose], [all, 1]);
  const forward = graph.node('Mul', [isFree, graph.node('Sub', [isNear, isClose], [all, 1])], [all, 1]);
  const columns: Value[] = [];
  columns[wallFollowingActions.moveForward] = forward;
  columns[wallFollowingActions.slightLeftTurn] = slightLeft;
  columns[wallFollowingActions.slightRightTurn] = slightRight;
  columns[wallFollowingActions.sharpRightTurn] = sharpRight;
  graph.output(policyPorts.discrete, graph.node('Concat', columns, [all, columns.length], { axis: 1 }));
  return graph.encode();
}

/** Least reading of a sector, [batch, 1]. */
function nearest(graph: Graph, observation: Value, name: keyof typeof wallFollowingSectors): Value {
  const { start, end } = wallFollowingSectors[name];
  const indexes = BigInt64Array.from({ length: end - start }, (_, offset) => BigInt(start + offset));
  const sector = graph.constant(name, indexes, [indexes.length]);
  const picked = graph.node('Gather', [observation, sector], [all, indexes.length], { axis: 1 });
  return graph.node('ReduceMin', [picked], [all, 1], { axes: [1], keepdims: 1 });
}

const below = (graph: Graph, value: Value, limitM: number): Value =>
  graph.node('Less', [value, graph.scalar(limitM)], [all, 1], {}, 'bool');

const floatType = 1;
const asNumber = (graph: Graph, truth: Value): Value =>
  graph.node('Cast', [truth], [all, 1], { to: floatType }, 'float32');
