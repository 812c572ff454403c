import assert from 'node:assert/strict';

import { scitosG5CameraType } from '../../../datasets/built-in-robot-types.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import type { Surroundings } from '../../../fleet/simulator/surroundings.ts';
import { openViewer } from '../../../fleet/simulator/viewer.ts';

const [wide] = scitosG5CameraType.cameras ?? [];
const camera = wide ?? assert.fail();
/** A pixel's red, green and blue say which image of the camera it is. */
function counting(pixels: number): Pick<Surroundings, 'see'> & { taken: number } {
  const surroundings = {
    taken: 0,
    see: () => {
      surroundings.taken += 1;
      return new Uint8Array(pixels * 3).fill(surroundings.taken);
    },
  };
  return surroundings;
}
const bodyWith = (own: Partial<typeof camera>): RobotType => ({
  ...scitosG5CameraType,
  cameras: [{ ...camera, ...own }],
});
const viewerOf = (own: Partial<typeof camera>, surroundings: Pick<Surroundings, 'see'>) =>
  openViewer(bodyWith(own), surroundings as Surroundings);

describe('the cameras of a simulated robot', () => {
  it('take an image with every frame, once however often the frame is looked at', () => {
    const surroundings = counting(4);
    const viewer = viewerOf({}, surroundings);
    viewer.begin();
    assert.deepEqual(
      viewer.look(0).map(({ camera: name, bytes }) => [name, bytes[0]]),
      [['wide', 1]],
    );
    assert.deepEqual(viewer.look(0), []);
    assert.equal(viewer.look(1).length, 1);
    assert.equal(surroundings.taken, 2);
    viewer.begin();
    assert.equal(viewer.look(0).length, 1);
  });

  it('take as many images as their rate says, spread over the frames, the first with the first frame', () => {
    const viewer = viewerOf({ rateHz: 3 }, counting(4));
    viewer.begin();
    const frames = Array.from({ length: 18 }, (_, frame) => frame).filter((frame) => viewer.look(frame).length > 0);
    assert.deepEqual(frames, [0, 3, 6, 9, 12, 15]);
    assert.ok(Object.hasOwn(viewer.images(), 'wide'));
  });

  it('show a policy the learned size at once, or what is to be scaled to it; a grey camera has no colours', () => {
    const same = viewerOf({}, counting(2));
    same.begin();
    same.look(0);
    assert.deepEqual({ ...same.images() }, { wide: new Uint8Array(6).fill(1) });
    const red = { see: () => Uint8Array.of(255, 0, 0, 0, 255, 0) };
    const large = { width: 64, height: 48 };
    const grey = viewerOf({ colour: 'grey', ...large }, red);
    grey.begin();
    assert.deepEqual([...(grey.look(0)[0]?.bytes ?? [])], [76, 150]);
    assert.deepEqual({ ...grey.images() }, { wide: { rgb: Uint8Array.of(76, 76, 76, 150, 150, 150), ...large } });
  });

  it('are refused where they are faster than the robot, or nothing is to be seen', () => {
    assert.throws(() => viewerOf({ rateHz: 30 }, counting(4)), /at most the 9 images a second .* got wide with 30/);
    const blind = viewerOf({}, {});
    blind.begin();
    assert.throws(() => blind.look(0), /expected surroundings that a camera wide sees/);
  });

  it('of a robot without any take nothing', () => {
    const { cameras: _, ...numbers } = scitosG5CameraType;
    const viewer = openViewer(numbers, counting(4) as unknown as Surroundings);
    viewer.begin();
    assert.deepEqual([viewer.look(0), { ...viewer.images() }], [[], {}]);
  });
});
