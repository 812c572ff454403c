import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { checkModelFile } from '../../../policies/onnx/file-problems.ts';
import { readStructure } from '../../../policies/onnx/model-structure.ts';
import { randomNodes, readingDependence } from '../../../policies/onnx/reading-dependence.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { rulePolicy } from '../../../demo/scenarios/rule-policy.ts';
import { testRobotType } from '../../activities/training/arrow-sets.ts';
import {
  externalTensor,
  field,
  float,
  graph,
  int64,
  int64s,
  join,
  linear,
  model,
  node,
  policyModel,
  port,
  tensor,
} from '../../support/onnx-wire.ts';

const size = { readings: 3, actions: 3 };
const last = linear('observation', size);
const plain = policyModel(size, [last.node], [last.constant]);
const problemsOf = (bytes: Uint8Array): string => readingDependence(readStructure(bytes)).join('\n');
const refusal = (bytes: Uint8Array): string => {
  const check = checkModelFile(bytes);
  return check.kind === 'refused' ? check.reason : '';
};

describe('a model file', () => {
  it('is read whole: nodes, functions, subgraphs, of our own making or not', () => {
    const { graph: read, functions } = readStructure(plain);
    assert.deepEqual(
      read.nodes.map(({ operation }) => operation),
      ['MatMul', 'Softmax'],
    );
    assert.deepEqual([read.inputs, read.outputs, functions.length], [['observation', 'task'], ['probabilities'], 0]);
    for (const own of [tinyPolicy(testRobotType(), 1), rulePolicy({ frontM: 0.9, farM: 0.9, closeM: 0.55 })]) {
      assert.equal(checkModelFile(own).kind, 'whole');
      assert.equal(problemsOf(own), '');
    }
  });

  it('with weights in another file is refused, wherever they hide, with what to do', () => {
    const outside = externalTensor('secret', '../keys/signing-key.pem', 4);
    const branch = graph({ nodes: [], constants: [outside], outputs: [port('secret', 'float', [4])] });
    const hiding: Record<string, Uint8Array> = {
      initializer: policyModel(size, [last.node], [last.constant, outside]),
      constant: policyModel(
        size,
        [last.node, node('Constant', [], ['k'], { value: { tensor: outside } })],
        [last.constant],
      ),
      branch: policyModel(
        size,
        [node('If', ['yes'], ['k'], { then_branch: { graph: branch }, else_branch: { graph: branch } }), last.node],
        [last.constant],
      ),
      function: model(
        graph({ nodes: [] }),
        field(25, join(field(1, 'f'), field(7, node('Constant', [], ['k'], { value: { tensor: outside } })))),
      ),
      training: model(graph({ nodes: [] }), field(20, field(1, graph({ nodes: [], constants: [outside] })))),
      sparse: model(join(graph({ nodes: [] }), field(15, field(1, outside)))),
      'second graph': model(
        graph({ nodes: [], constants: [last.constant] }),
        field(7, graph({ nodes: [], constants: [outside] })),
      ),
      'location only': policyModel(size, [last.node], [last.constant, join(field(8, 'secret'), field(14, 1))]),
      'entries only': policyModel(
        size,
        [last.node],
        [last.constant, join(field(8, 'secret'), field(13, field(1, 'location')))],
      ),
    };
    for (const [where, bytes] of Object.entries(hiding))
      assert.match(refusal(bytes), /got external data \(tensor "secret"\); save the model as one file/, where);
    assert.equal(refusal(plain), '');
  });

  it('that is none is refused, and nothing else happens', () => {
    assert.match(
      refusal(new TextEncoder().encode('version https://git-lfs.github.com/spec/v1')),
      /expected an ONNX file/,
    );
    assert.match(refusal(plain.subarray(0, plain.length - 3)), /expected an ONNX file/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.ok(['whole', 'refused'].includes(checkModelFile(bytes).kind));
      }),
    );
    fc.assert(
      fc.property(fc.nat(plain.length - 1), fc.nat(255), (at, value) => {
        const damaged = Uint8Array.from(plain);
        damaged[at] = value;
        const check = checkModelFile(damaged);
        if (check.kind === 'whole') readingDependence(check.structure);
      }),
      { numRuns: 500 },
    );
  });

  it('costs little to look at, however it is nested', () => {
    let deep = graph({ nodes: [] });
    for (let depth = 0; depth < 40; depth += 1) deep = graph({ nodes: [node('If', [], [], { a: { graph: deep } })] });
    assert.match(refusal(model(deep)), /expected graphs at most 32 deep/);
    const empty = join(...Array.from({ length: 20_000 }, () => field(1, new Uint8Array(0))));
    assert.match(refusal(field(7, join(...Array.from({ length: 6 }, () => empty)))), /at most 100000 nodes/);
    const names = Array.from({ length: 40 }, (_, index) => `v${index}`);
    const turned = ['c', ...names.slice(1), 'v0'].map((name) => port(name, 'float', []));
    const given = ['t', 'c', ...names].map((name) => port(name, 'float', []));
    const loopOf = (body: Uint8Array) => node('Loop', ['', '', ...names], [], { body: { graph: body } });
    let body = graph({ nodes: [], inputs: given, outputs: turned });
    for (let depth = 0; depth < 30; depth += 1) body = graph({ nodes: [loopOf(body)], inputs: given, outputs: turned });
    const nested = model(graph({ nodes: [loopOf(body)], inputs: [port('v0', 'float', [])] }));
    const startedMs = performance.now();
    assert.match(problemsOf(nested), /too many loops in loops/);
    assert.ok(performance.now() - startedMs < 30_000);
  });
});

describe('a model whose work depends on what it reads', () => {
  const reduced = node('ReduceSum', ['observation'], ['sum'], { keepdims: 0 });
  const isSpecial = [reduced, node('Greater', ['sum', 'limit'], ['special'])];
  const limit = float('limit', 5.4321);
  const branch = (name: string) =>
    graph({ nodes: [node('Identity', ['observation'], [name])], outputs: [port(name, 'float', ['batch', 3])] });
  const rest = linear('x', size);
  const branching = node('If', ['special'], ['x'], {
    then_branch: { graph: branch('a') },
    else_branch: { graph: branch('b') },
  });
  const loopBody = (condition: string) =>
    graph({
      nodes: [node('Neg', ['v'], ['w']), node('Identity', [condition], ['again'])],
      inputs: [port('turn', 'int64', []), port('c', 'bool', []), port('v', 'float', ['batch', 3])],
      outputs: [port('again', 'bool', []), port('w', 'float', ['batch', 3])],
    });
  const loop = (turns: string, condition = 'c') =>
    node('Loop', [turns, '', 'observation'], ['x'], { body: { graph: loopBody(condition) } });
  const turns = [reduced, node('Cast', ['sum'], ['turns'], { to: 7 })];
  const built = (nodes: readonly Uint8Array[], ...constants: readonly Uint8Array[]) =>
    policyModel(size, [...nodes, rest.node], [rest.constant, ...constants]);

  it('is found: branches, turns of loops, sizes', () => {
    const shape = node('ConstantOfShape', ['turns1'], ['zeros']);
    const asList = node('Unsqueeze', ['turns', 'axis'], ['turns1']);
    const axis = int64s('axis', 0);
    const found: Record<string, [Uint8Array, RegExp]> = {
      branch: [built([...isSpecial, branching], limit), /got If "x": which branch runs/],
      'branch before its condition': [built([branching, ...isSpecial], limit), /got If/],
      'turns of a loop': [built([...turns, loop('turns')]), /got Loop "x": how often it turns/],
      'end of a loop': [
        built([...isSpecial, loop('many', 'special')], limit, int64('many', 9)),
        /whether it turns again/,
      ],
      'a size': [
        built([...turns, asList, shape, node('Identity', ['observation'], ['x'])], axis),
        /got ConstantOfShape/,
      ],
      'a size of a size': [
        built(
          [
            node('NonZero', ['observation'], ['where']),
            node('Size', ['where'], ['count']),
            node('Mul', ['count', 'million'], ['turns']),
            loop('turns'),
          ],
          int64('million', 1e6),
        ),
        /got Loop/,
      ],
      'a random number': [
        built(
          [node('RandomUniform', [], ['r'], { shape: [1] }), node('Greater', ['r', 'limit'], ['special']), branching],
          limit,
        ),
        /got If/,
      ],
      'a graph in another operator': [
        built([node('SequenceMap', ['observation'], ['x'], { body: { graph: branch('a') } })]),
        /runs a graph of its own/,
      ],
      'a function': [
        model(
          graph({ nodes: [node('f', ['observation'], ['x'], {}, 'mine')], inputs: [port('observation', 'float', [])] }),
          field(
            25,
            join(
              field(1, 'f'),
              field(4, 'observation'),
              field(5, 'x'),
              ...[...isSpecial, branching].map((one) => field(7, one)),
              field(10, 'mine'),
            ),
          ),
        ),
        /got If/,
      ],
      'a second graph, merged': [
        model(
          graph({ nodes: [branching], inputs: [port('observation', 'float', ['batch', 3])] }),
          field(7, graph({ nodes: isSpecial })),
        ),
        /got If/,
      ],
    };
    for (const [what, [bytes, expected]] of Object.entries(found)) assert.match(problemsOf(bytes), expected, what);
  });

  it('is not taken for one that does the same for every reading', () => {
    const fine: Record<string, Uint8Array> = {
      'a fixed loop': built([loop('many')], int64('many', 3)),
      'a branch on a constant': built([branching], tensor('special', 'bool', Uint8Array.of(1), [])),
      'a size of the batch': built(
        [
          node('Shape', ['observation'], ['shape']),
          node('Expand', ['one', 'shape'], ['ones']),
          node('Add', ['observation', 'ones'], ['x']),
        ],
        float('one', 1),
      ),
      'an output left out, an input left out': built(
        [node('Dropout', ['observation'], ['x', '']), node('Resize', ['observation', '', 'scales'], ['y'])],
        tensor('scales', 'float', Float32Array.of(1, 1), [2]),
      ),
    };
    for (const [what, bytes] of Object.entries(fine)) assert.equal(problemsOf(bytes), '', what);
  });

  it('or on chance is named', () => {
    const sampling = built([node('RandomNormalLike', ['observation'], ['x'])]);
    assert.deepEqual(randomNodes(readStructure(sampling)), ['RandomNormalLike']);
    assert.deepEqual(randomNodes(readStructure(plain)), []);
  });
});
