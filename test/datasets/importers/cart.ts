import { importMapSchema, type ImportMap } from '../../../datasets/importers/import-map.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';

const limits = { minEpisodeFrames: 2, maxEpisodeFrames: 100, maxFrameGapPeriods: 4, minAgreementFraction: 0.5 };

/** A cart on rails, 10 frames a second: where it is and how fast, and a commanded speed. */
export const cart: RobotType = robotTypeSchema.parse({
  id: 'cart',
  version: 1,
  description: 'a cart on rails',
  rateHz: 10,
  observations: [
    { name: 'place', unit: 'm', min: -10, max: 10 },
    { name: 'angle', unit: 'rad', min: -7, max: 7 },
  ],
  actions: { kind: 'continuous', ranges: [{ name: 'speed', unit: 'm/s', min: -1, max: 1 }] },
  tasks: ['roll'],
  split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.2 },
  limits,
});

/** A cart that is told left, right or nothing. */
export const discreteCart: RobotType = robotTypeSchema.parse({
  ...cart,
  id: 'discrete-cart',
  actions: { kind: 'discrete', names: ['left', 'none', 'right'] },
});

/** Columns t (s), place, angle, speed; one episode a file. */
export const cartMap = (changes: object = {}): ImportMap =>
  importMapSchema.parse({
    source: 'carts',
    robot: { id: 'cart-1' },
    task: 'roll',
    time: { column: 't', kind: 's', startsAt: '2024-01-01T00:00:00Z' },
    episodes: { by: { kind: 'file' } },
    observations: [
      { name: 'place', column: 'place' },
      { name: 'angle', column: 'angle' },
    ],
    actions: { kind: 'continuous', ranges: [{ name: 'speed', column: 'speed' }] },
    ...changes,
  });
