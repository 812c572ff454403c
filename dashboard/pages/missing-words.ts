import type { MissingAnswer } from '../../console/answers/episodes.ts';
import { numberText } from '../format.ts';

type Missing = NonNullable<MissingAnswer>;

const uploadsText = (uploads: number): string =>
  `${numberText(uploads, 0)} upload${uploads === 1 ? '' : 's'} of its robot`;
const rulesText = (rules: readonly string[]): string => (rules.length === 0 ? '' : ` (${rules.join(', ')})`);

const heldBack = ({ isRobotQuarantined }: Missing): string =>
  isRobotQuarantined ? '; its robot is in quarantine, and nothing of it is collected until it is released' : '';

/** Nothing of its robot has come since: it is on the robot, or the robot gave it up. */
function onRobot({ givenUp }: Missing): string {
  if (givenUp === 0) return 'not uploaded yet: it is still on its robot';
  return givenUp === null
    ? 'not uploaded: it is still on its robot, or the robot gave it up; it did not tell'
    : `not uploaded: it is still on its robot, or is one of the ${numberText(givenUp, 0)} episodes that it gave up for lack of room`;
}

const texts: Readonly<Record<Missing['kind'], (missing: Missing) => string>> = {
  erased: () => '■ erased on request',
  refused: ({ rules }) => `✕ refused by a collection${rulesText(rules)}: the page Data has it`,
  waits: (missing) =>
    `◌ waits for a collection: ${uploadsText(missing.uploads)} came since then and ${missing.uploads === 1 ? 'lies' : 'lie'} in landing${heldBack(missing)}`,
  perhapsRefused: ({ rules, uploads }) =>
    `✕ perhaps refused: ${uploadsText(uploads)} since then ${uploads === 1 ? 'was' : 'were'} refused as a whole${rulesText(rules)}; which episodes were in ${uploads === 1 ? 'it' : 'them'} is not known`,
  perhapsRemoved: ({ uploads }) =>
    `■ perhaps removed: a person took ${uploadsText(uploads)} out of landing since then; which episodes were in ${uploads === 1 ? 'it' : 'them'} is not known`,
  notUploaded: (missing) => `◌ ${onRobot(missing)}`,
  unknown: () => '? not known: no robot told of it on this day, and it was neither refused nor erased',
};

/** Where an episode is that cannot be opened: a sign, and words. */
export const missingText = (missing: MissingAnswer): string =>
  missing === null ? '? not known' : texts[missing.kind](missing);
