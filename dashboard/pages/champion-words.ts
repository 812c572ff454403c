import type { ChampionChangeAnswer } from '../../console/answers/rollback-targets.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';

type Change = Pick<ChampionChangeAnswer, 'way' | 'who' | 'why'>;

/** How a version came to be champion, and why: somebody who put it back is named, and is no promotion. */
export function championWay({ way, who, why }: Change): string {
  const reason = plainReason(why);
  switch (way) {
    case 'first':
      return `first champion, by ${who}: ${reason}`;
    case 'trial':
      return `promoted by a trial (${who}): ${reason}`;
    case 'withoutTrial':
      return `promoted without a trial, by ${who}: ${reason}`;
    case 'putBack':
      return `put back by ${who}: ${reason}`;
    case 'undone':
      return `champion again, ${who} undid a rollback: ${reason}`;
    case 'trialReturn':
      return `put back by the end of a trial (${who}): ${reason}`;
    case 'adopted':
      return `the same model under another number, for another body, by ${who}: ${reason}`;
    default:
      return way satisfies never;
  }
}
