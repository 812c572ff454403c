import { robotTypeSchema, type RobotType } from '../../robot-type.ts';
import type { RoomsDescription, RoomsLabel } from './description.ts';

/** Pixels along the longer side of an image that a model sees, where the recorded one has more. */
const learnedSide = 96;
export const roomsCamera = 'front';

export const beamName = (beam: number): string => `range-${String(beam).padStart(4, '0')}`;

/**
 * The robot type of a detector on data of the simulator: LIDAR and camera in, the kind of what is labelled out. Its mirror is that of the LIDAR's beams, where
 * it looks straight ahead from the middle. Recall of every kind is asked for, because a kind that is never found hides behind common ones.
 */
export function draftRoomsType(
  id: string,
  { rateHz, camera, lidar, kinds }: RoomsDescription,
  label: RoomsLabel,
): RobotType {
  const shrink = Math.min(1, learnedSide / Math.max(camera.width, camera.height));
  const learned = { width: Math.round(camera.width * shrink), height: Math.round(camera.height * shrink) };
  const isStraight = lidar.offset.leftM === 0 && lidar.offset.headingDegrees === 0;
  const range = (beam: number) => ({
    name: beamName(beam),
    unit: 'm',
    min: 0,
    max: lidar.rangeM,
    saturatesAt: lidar.rangeM,
  });
  return robotTypeSchema.parse({
    id,
    version: 1,
    description: `Tells which kind of ${label} is ahead from LIDAR and camera; drafted from a data set of the simulator.`,
    rateHz,
    observations: Array.from({ length: lidar.beams }, (_, beam) => range(beam)),
    cameras: [
      {
        name: roomsCamera,
        width: camera.width,
        height: camera.height,
        rateHz,
        colour: 'rgb',
        codec: 'jpeg',
        learned,
        mayLeaveRobot: true,
      },
    ],
    actions: { kind: 'discrete', names: kinds[label] },
    ...(isStraight ? { mirror: { observations: { swapped: mirroredBeams(lidar) } } } : {}),
    tasks: [`tell-${label}`],
    split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.2 },
    limits: {
      minEpisodeFrames: 2,
      maxEpisodeFrames: 10_000,
      maxFrameGapPeriods: 5,
      minAgreementFraction: 0.5,
      minRecallFraction: 0.3,
    },
  });
}

/** Beams that look the same angle to either side; a full circle begins with the one that looks back. */
function mirroredBeams({ beams, fieldOfViewDegrees }: RoomsDescription['lidar']): [string, string][] {
  const all = Array.from({ length: beams }, (_, beam) => beam);
  const partner = (beam: number): number => (fieldOfViewDegrees === 360 ? (beams - beam) % beams : beams - 1 - beam);
  return all.flatMap((beam): [string, string][] =>
    beam < partner(beam) ? [[beamName(beam), beamName(partner(beam))]] : [],
  );
}
