import { stageWords } from './stage-words.ts';

const stageOf = (_: string, digit: string): string => stageWords(Number(digit));

/**
 * What a look for drift found, without the figures of each reading: these stand, with what they mean, on the incident's own page.
 *
 * driftInShort('… the worst first: US1 (alarm): PSI 0.9 against 0.2, distance 0.3, p 1.0e-6; 3 more') → '… the worst first: US1; 3 more'
 */
export const driftInShort = (reason: string): string =>
  reason.replaceAll(/ \((?:alarm|warn)\): PSI [^,;]+, distance [^,;]+, p [\d.e+-]+/g, '');

/**
 * What workflows and verdicts say, earlier versions' too, in words of everyday and with stages counted from 1; what is not known here stays as it is. Said twice it
 * says the same.
 *
 * plainReason('stage 0 of 1.1.0: started') → 'stage 1 of 4, 1.1.0: started'
 */
export const plainReason = (reason: string): string =>
  reason
    .replace(/^undecided: /, 'not decided yet: ')
    // As workflows count them: with a version behind, or alone.
    .replace(/^stage ([0-3]) of (?=\d+\.\d+\.\d+)/, (...found: [string, string]) => `${stageOf(...found)}, `)
    .replaceAll(
      /\bstage ([0-3]) was not proven in time/g,
      (...found: [string, string]) => `${stageOf(...found)} was not proven in time`,
    )
    .replaceAll(
      /z (-?[\d.]+) against ±([\d.]+) at (\d+) % of the information/g,
      '$3 % of the planned evidence is there (z $1, ±$2 decides)',
    )
    .replaceAll(
      /(\d+) blocks without control episodes left out/g,
      'without $1 times in which no champion episode is there to compare with',
    )
    .replaceAll('without alarm against the holdback', 'without an alarm against the robots that keep the champion')
    .replaceAll(
      /(\d+) robots do not run the candidate yet/g,
      '$1 of the robots that should run the candidate do not yet',
    )
    .replaceAll(/at most ([\d.]+) pp worse/g, 'with high confidence at most $1 points worse')
    .replaceAll(/at least ([\d.]+) pp better/g, 'with high confidence at least $1 points better')
    .replaceAll(/(\d) pp\b/g, '$1 points');
