import pushArmCamera from './robot-types/push-arm-camera.json' with { type: 'json' };
import pushArm from './robot-types/push-arm.json' with { type: 'json' };
import recording from './robot-types/scitos-g5-recording.json' with { type: 'json' };
import scitosG5 from './robot-types/scitos-g5.json' with { type: 'json' };
import ur3Cobotops from './robot-types/ur3-cobotops.json' with { type: 'json' };
import { robotTypeSchema, type RobotType } from './robot-type.ts';

/** The wall follower of the simulator and of the real fleet. */
export const scitosG5Type: RobotType = robotTypeSchema.parse(scitosG5);
/** The same robot in the simulator's rooms, where each family of rooms is a task of its own. */
export const scitosG5RoomsType: RobotType = robotTypeSchema.parse({
  ...scitosG5,
  id: 'scitos-g5-rooms',
  description: 'The SCITOS G5 of the simulator: as scitos-g5, and each family of rooms is a task.',
  tasks: ['hall', 'corner', 'pillars', 'round', 'ring', 'alcoves', 'zigzag', 'slanted'],
});
/** Degrees between two ranges of the ring. */
const ringStepDegrees = 15;
const range = { unit: 'm', min: 0, max: 5.2, saturatesAt: 5 };
/** Two more ranges, either side of ahead. */
const furtherRanges = ['range-8', 'range-352'];
/**
 * A newer body of it: the ring's ranges are named after where they look, in degrees counter-clockwise from ahead, and there are two
 * more. What the older body recorded reads "nothing in reach" there.
 */
export const scitosG5RoomsFineType: RobotType = robotTypeSchema.parse({
  ...scitosG5RoomsType,
  version: 2,
  description: 'As scitos-g5-rooms@1, its ranges named by degrees from ahead, with two more either side of ahead.',
  observations: [
    ...scitosG5.observations.map((_, index) => ({ name: `range-${index * ringStepDegrees}`, ...range })),
    ...furtherRanges.map((name) => ({ name, ...range })),
  ],
  follows: {
    version: 1,
    observations: [
      ...scitosG5.observations.map((_, index) => ({
        name: `range-${index * ringStepDegrees}`,
        is: 'renamed',
        from: `US${((index + 12) % 24) + 1}`,
      })),
      ...furtherRanges.map((name) => ({ name, is: 'new', fill: range.saturatesAt })),
    ],
    gone: [],
  },
});
/**
 * The same robot without its ring: all that it senses of its surroundings is what a wide camera sees. The voltage of its battery tells nothing of
 * where it is, so that a policy that drives it well has learned to see. The expert acts by ranges that few pixels tell only roughly, and through dirty lenses less: policies that succeed in 95 of 100
 * episodes agree with 67 to 81 % of its actions.
 */
export const scitosG5CameraType: RobotType = robotTypeSchema.parse({
  ...scitosG5,
  id: 'scitos-g5-camera',
  description: 'The SCITOS G5 of the simulator with a wide camera in place of its ring of ranges.',
  observations: [{ name: 'battery-volts', unit: 'V', min: 9, max: 15 }],
  cameras: [
    {
      name: 'wide',
      width: 32,
      height: 24,
      rateHz: 9,
      colour: 'rgb',
      codec: 'jpeg',
      learned: { width: 32, height: 24 },
      mayLeaveRobot: true,
    },
  ],
  limits: { ...scitosG5.limits, minAgreementFraction: 0.6 },
});
/** The arm of the simulator's world in MuJoCo. */
export const pushArmType: RobotType = robotTypeSchema.parse(pushArm);
/** The same arm with a camera at its wrist: it reads neither puck nor target, so that a policy that reaches has learned to see. */
export const pushArmCameraType: RobotType = robotTypeSchema.parse(pushArmCamera);
/** The real wall-following recording; split by time. */
export const scitosG5RecordingType: RobotType = robotTypeSchema.parse(recording);
/** The real UR3 recording; carries no commands. */
export const ur3CobotopsType: RobotType = robotTypeSchema.parse(ur3Cobotops);

/** The documents that come with the project; others are added to the store without code. */
export const builtInRobotTypes: readonly RobotType[] = [
  scitosG5Type,
  scitosG5RoomsType,
  scitosG5RoomsFineType,
  scitosG5CameraType,
  scitosG5RecordingType,
  ur3CobotopsType,
  pushArmType,
  pushArmCameraType,
];
