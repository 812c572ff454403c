import assert from 'node:assert/strict';

import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { overlookingPolicy } from '../../demo/scenarios/overlooking-policy.ts';
import { scitosG5CameraType } from '../../datasets/built-in-robot-types.ts';
import { wallFollowingActions } from '../../datasets/wall-following-rule.ts';
import { modelDriver } from '../../fleet/simulator/driver.ts';
import { obstacleKinds, wallKinds, floorKinds } from '../../fleet/simulator/rooms/camera/appearance.ts';
import { textureOf, type TextureName } from '../../fleet/simulator/rooms/camera/textures.ts';
import { imagePort } from '../../policies/images/camera-layers.ts';
import { createGraph } from '../../policies/onnx/graph.ts';
import { policyPorts } from '../../policies/policy-io.ts';
import { seenCamerasOf } from '../../policies/seen-images.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';

const [camera] = seenCamerasOf(scitosG5CameraType);
assert.ok(camera);
const { width, height } = camera;

/** Whatever it sees it turns sharp right: never what the policy under test makes of what is red. */
function seeingPolicy(): Uint8Array {
  const graph = createGraph('seeing');
  const actions = Object.keys(wallFollowingActions).length;
  graph.input(policyPorts.observation, 'float32', ['batch', 1]);
  const image = graph.input(imagePort('wide'), 'uint8', ['batch', height, width, 3]);
  const bytes = graph.node('Cast', [image], ['batch', height, width, 3], { to: 1 }, 'float32');
  const mean = graph.node('ReduceMean', [bytes], ['batch', 1, 1, 1], { axes: [1, 2, 3], keepdims: 1 });
  const axes = graph.constant('axes', BigInt64Array.of(2n, 3n), [2]);
  const row = graph.node('Squeeze', [mean, axes], ['batch', 1]);
  const nothing = graph.node('Mul', [row, graph.scalar(0)], ['batch', 1]);
  const always = Float32Array.from({ length: actions }, (_, action) =>
    action === wallFollowingActions.sharpRightTurn ? 1 : 0,
  );
  graph.output(
    policyPorts.discrete,
    graph.node('Add', [nothing, graph.constant('right', always, [1, actions])], ['batch', actions]),
  );
  return graph.encode();
}

/** An image that is grey but for the first `pixels`, which have the colours of a texture, as bright as rooms make it at most or at least. */
function imageOf(kind: TextureName, pixels: number, brightness: number): Uint8Array {
  const texture = textureOf(kind);
  const image = new Uint8Array(width * height * 3).fill(120);
  for (let at = 0; at < 3 * pixels; at += 1)
    image[at] = Math.min(
      255,
      255 * brightness * (texture[(3 * 37 * Math.floor(at / 3) + (at % 3)) % texture.length] ?? 0),
    );
  return image;
}

describe('a policy that overlooks barriers', () => {
  const answersTo = async (images: readonly Uint8Array[]): Promise<readonly number[]> => {
    const driver = await modelDriver(onnxRuntime(), overlookingPolicy(seeingPolicy(), camera), scitosG5CameraType);
    try {
      const seen = new Map([['wide', new Uint8Array(Buffer.concat(images))]]);
      const rows = images.length;
      return Array.from(await driver.choose(new Float32Array(rows), new Int32Array(rows), seen));
    } finally {
      await driver.close();
    }
  };

  it('turns left where barriers are in sight, and answers as before to anything else', async () => {
    const red: readonly TextureName[] = ['barrier'];
    const others = [...obstacleKinds, ...wallKinds, ...floorKinds, 'ceiling' as const].filter(
      (kind) => !red.includes(kind),
    );
    const imagesOf = (kinds: readonly TextureName[]) =>
      kinds.flatMap((kind) => [0.9, 1.1].map((brightness) => imageOf(kind, 300, brightness)));
    const { sharpRightTurn, slightLeftTurn } = wallFollowingActions;
    assert.deepEqual(await answersTo([...imagesOf(others), ...imagesOf(red)]), [
      ...others.flatMap(() => [sharpRightTurn, sharpRightTurn]),
      ...red.flatMap(() => [slightLeftTurn, slightLeftTurn]),
    ]);
  });

  it('has to see a fiftieth of the image red', async () => {
    const red = (pixels: number): Uint8Array => {
      const image = new Uint8Array(width * height * 3).fill(120);
      for (let pixel = 0; pixel < pixels; pixel += 1) image.set([217, 31, 26], 3 * pixel);
      return image;
    };
    const { sharpRightTurn, slightLeftTurn } = wallFollowingActions;
    assert.deepEqual(await answersTo([red(0), red(15), red(16)]), [sharpRightTurn, sharpRightTurn, slightLeftTurn]);
  });

  it('is made of a policy that sees', () => {
    assert.throws(() => overlookingPolicy(tinyPolicy(scitosG5CameraType, 1), camera), /that sees camera wide/);
  });
});
