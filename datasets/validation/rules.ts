import { conflictingDuplicate, episodeRules } from './episode-rules.ts';
import { frameRules } from './frame-rules.ts';
import { segmentRules } from './segment-rules.ts';

/** A rule as reports name it. */
export interface RuleDescription {
  readonly id: string;
  readonly doc: string;
  readonly waivable: boolean;
}

/** Broken by what a person had erased; it is the one rule whose bytes are kept nowhere. */
export const erasedRule: RuleDescription = {
  id: 'episode.erased',
  doc: 'The episode was not erased on request; what was is counted, not kept.',
  waivable: false,
};

/** Rules that an episode must keep by itself, without looking at the lake. */
export const ownEpisodeRules = [...episodeRules, ...frameRules];

/** Every rule of the validation, in the order they are applied; docs/data.md lists the same. */
export const allRules: readonly RuleDescription[] = [
  ...[...segmentRules, ...ownEpisodeRules, conflictingDuplicate].map(({ id, doc, waivable }) => ({
    id,
    doc,
    waivable,
  })),
  erasedRule,
];

/** Rules that a person may release a segment from. */
export const waivableRuleIds: ReadonlySet<string> = new Set(
  allRules.filter((rule) => rule.waivable).map(({ id }) => id),
);

/** What an episode of a task that no catalogue has breaks; it may be released once one has it. */
export const unknownTaskRule = 'episode.task';
