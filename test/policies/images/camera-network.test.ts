import assert from 'node:assert/strict';

import { cameraCost, cameraLayers } from '../../../policies/images/camera-layers.ts';
import { cameraNetworkSchema, imagesSchema } from '../../../policies/images/camera-network.ts';
import { cameraParameters } from '../../../policies/images/see.ts';
import { networkCost, parameterCount } from '../../../policies/network.ts';
import { seeingShape, tinyCamera } from './tiny-images.ts';

const parse = (changes: object) =>
  cameraNetworkSchema.safeParse({ camera: 'front', height: 48, width: 64, ...changes });
const refusal = (changes: object): string =>
  parse(changes)
    .error?.issues.map(({ message }) => message)
    .join('; ') ?? '';
const blocks = (...list: readonly object[]) => ({ blocks: list });

describe('the network of a camera', () => {
  it('has defaults that make about 50,000 parameters of a picture of 64 × 48, and says what it costs', () => {
    const network = cameraNetworkSchema.parse({ camera: 'front', height: 48, width: 64 });
    assert.deepEqual(
      cameraLayers(network).map(({ after }) => `${after.channels} × ${after.height} × ${after.width}`),
      ['16 × 24 × 32', '32 × 12 × 16', '32 × 6 × 8', '48 × 6 × 8', '48 × 3 × 4', '48 × 3 × 4'],
    );
    const filters = [3 * 16 * 25, 16 * 32 * 9, 32 * 9, 32 * 48, 48 * 9, 48 * 48];
    const places = [24 * 32, 12 * 16, 6 * 8, 6 * 8, 3 * 4, 3 * 4];
    const multiplyAccumulates = filters.reduce((sum, count, index) => sum + count * places[index]!, 48 * 12 * 32);
    const parameters = filters.reduce((sum, count) => sum + count, 0) + 2 * (16 + 32 + 32 + 48 * 3) + 48 * 12 * 32 + 32;
    assert.deepEqual(cameraCost(network), { parameters, multiplyAccumulates });

    const shape = { ...seeingShape([network]), hiddenWidths: [128, 128], taskCount: 1 };
    const head = [(3 + 32) * 128, 128 * 128, 128 * 3];
    const whole = networkCost(shape);
    assert.equal(whole.multiplyAccumulates, multiplyAccumulates + head.reduce((sum, count) => sum + count, 0));
    assert.equal(whole.parameters, parameterCount(shape));
    assert.ok(whole.parameters > 45_000 && whole.parameters < 55_000, `${whole.parameters}`);
  });

  it('counts the parameters that it has', () => {
    for (const camera of [tinyCamera(), tinyCamera('rear', { planes: 'average', height: 17, width: 9 })]) {
      const sizes = cameraParameters(camera).map(({ shape }) => shape.reduce((product, size) => product * size, 1));
      assert.equal(
        cameraCost(camera).parameters,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    }
  });

  it('normalises in groups of at least four channels', () => {
    const groupsOf = (channels: number): unknown => {
      const [layer] = cameraLayers(
        tinyCamera('front', { blocks: [{ kind: 'convolution', channels, kernelSize: 3, stride: 1, groups: 1 }] }),
      );
      return layer?.kind === 'convolution' && layer.normalisedGroups;
    };
    assert.deepEqual([1, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64].map(groupsOf), [1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 8]);
  });

  it('is refused where a block does not fit, with what was expected', () => {
    const pool = { kind: 'maxPooling', size: 4 };
    assert.match(
      refusal(blocks(pool, pool, pool)),
      /^expected block 2 \(maxPooling\) of camera front to see at least 4 × 4 pixels, got 3 × 4 with a padding of 0$/,
    );
    assert.match(
      refusal(blocks({ kind: 'convolution', channels: 8, groups: 2 })),
      /groups that divide its channels, got 2 groups, 3 channels before and 8 after/,
    );
    assert.match(refusal(blocks({ ...pool, padding: 4 })), /a padding below its size 4, got 4/);
    assert.match(
      refusal({
        height: 8,
        width: 8,
        ...blocks({ kind: 'averagePooling', size: 8 }, { kind: 'convolution', channels: 1, kernelSize: 1 }),
      }),
      /several numbers to normalise, got one/,
    );
    assert.match(
      refusal({ height: 512, width: 512, features: 1024 }),
      /expected camera front to take at most 20000000 parameters, got 5\d{7}/,
    );
    assert.match(refusal(blocks({ kind: 'convolutoin', channels: 8 })), /Invalid/);
    assert.match(refusal({ camera: '__proto__' }), /lower-case letters/);
    assert.match(refusal({ heigth: 3 }), /heigth/);
    assert.equal(refusal({}), '');
  });

  it('sees each camera once', () => {
    assert.equal(imagesSchema.safeParse([tinyCamera('front'), tinyCamera('rear')]).success, true);
    assert.match(
      imagesSchema.safeParse([tinyCamera(), tinyCamera()]).error?.issues[0]?.message ?? '',
      /expected each camera once/,
    );
  });
});
