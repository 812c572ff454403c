import type { RobotType } from '../robot-type.ts';
import type { FollowRule, Follows, Gone } from './follows.ts';

/** What of a robot type one body's rules speak of. */
export type BodyPart = Pick<RobotType, 'id' | 'version' | 'observations' | 'actions' | 'follows'>;

export interface SideName {
  readonly name: string;
  /** Undefined for discrete actions. */
  readonly range?: { readonly unit: string; readonly min: number; readonly max: number };
}

/** Features, or actions, of a version and of the one that it follows, with the rules between them. */
export interface StepSide {
  readonly what: 'feature' | 'action';
  readonly newer: readonly SideName[];
  readonly older: readonly SideName[];
  readonly rules: readonly FollowRule[];
  readonly gone: readonly Gone[];
  /** Where they stand in the document. */
  readonly paths: { readonly newer: string; readonly rules: string; readonly gone: string };
}

type Ranged = RobotType['observations'][number];
const ranged = ({ name, unit, min, max }: Ranged): SideName => ({ name, range: { unit, min, max } });

const actionNames = ({ actions }: Pick<RobotType, 'actions'>): readonly SideName[] => {
  if (actions.kind === 'continuous') return actions.ranges.map(ranged);
  return actions.kind === 'discrete' ? actions.names.map((name) => ({ name })) : [];
};

export function stepSides(newer: BodyPart, older: BodyPart, follows: Follows): readonly [StepSide, StepSide] {
  return [
    {
      what: 'feature',
      newer: newer.observations.map(ranged),
      older: older.observations.map(ranged),
      rules: follows.observations ?? [],
      gone: follows.gone ?? [],
      paths: { newer: 'observations', rules: 'follows.observations', gone: 'follows.gone' },
    },
    {
      what: 'action',
      newer: actionNames(newer),
      older: actionNames(older),
      rules: follows.actions ?? [],
      gone: follows.goneActions ?? [],
      paths: {
        newer: newer.actions.kind === 'discrete' ? 'actions.names' : 'actions.ranges',
        rules: 'follows.actions',
        gone: 'follows.goneActions',
      },
    },
  ];
}
