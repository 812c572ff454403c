import { wallFollowingAction } from '../../../datasets/wall-following-rule.ts';
import type { RandomStream } from '../../../policies/random.ts';
import type { Quirks } from '../quirks.ts';
import { distort } from '../rooms/body.ts';
import type { Surroundings } from '../surroundings.ts';

/** Readings of a robot that really drove, in the order of time; at least one. */
export type Recording = readonly Float32Array[];

export interface RecordingRobotInput {
  readonly recording: Recording;
  /** Asked for at the beginning of every episode. */
  readonly quirks: () => Quirks;
  /** Where in the recording it starts. */
  readonly random: RandomStream;
}

/** Until so many frames a disagreement says nothing. */
const judgedAfterFrames = 9;
/** An episode fails when more of its frames than this would have been driven otherwise. */
const mostDisagreementFraction = 0.2;

/**
 * A robot that sees what another one saw: its actions change nothing, so an episode succeeds when it would have done what
 * the expert does in at least four of five frames. At the end of the recording it goes on at its beginning.
 */
export function recordingRobot({ recording, quirks, random }: RecordingRobotInput): Surroundings {
  const first = recording[0];
  if (first === undefined) throw new Error('expected a recording with readings, got an empty one');
  const readings = new Float32Array(first.length);
  let position = Math.floor(random() * recording.length);
  let [frames, disagreements] = [0, 0];
  const now = (): Float32Array => recording[position] ?? first;
  const expertAction = (): number => wallFollowingAction(now());
  const failure = () =>
    frames >= judgedAfterFrames && disagreements > mostDisagreementFraction * frames ? 'disagreed' : undefined;
  let own = quirks();
  const lookAround = (): void => distort(now(), own, random, readings);
  lookAround();
  return {
    readings,
    place: () => undefined,
    expertAction,
    failure,
    begin() {
      if (failure() !== undefined) position = Math.floor(random() * recording.length);
      [frames, disagreements] = [0, 0];
      own = quirks();
      lookAround();
    },
    act(action) {
      frames += 1;
      if (action !== expertAction()) disagreements += 1;
      position = (position + 1) % recording.length;
      lookAround();
    },
  };
}
