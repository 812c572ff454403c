import type { RobotType } from '../robot-type.ts';
import type { EpisodeFacts, EpisodeValues } from './episode-facts.ts';
import type { Finding, Rule } from './rule.ts';

/** A rule about one episode of a segment. */
export type EpisodeRule = Rule<EpisodeFacts>;

/** A check of one value that another rule (`episode.missing-value`) reports when it is missing. */
export const ofValue =
  <Name extends keyof EpisodeValues>(
    name: Name,
    check: (value: NonNullable<EpisodeValues[Name]>, facts: EpisodeFacts, type: RobotType) => Finding | undefined,
  ): EpisodeRule['check'] =>
  (facts, type) => {
    const value = facts.episode[name];
    return value === null ? undefined : check(value, facts, type);
  };
