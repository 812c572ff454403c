import { h, type ComponentChild } from 'preact';

/** Words of trials that a newcomer does not know, in the order in which people meet them. */
const words: readonly (readonly [word: string, meaning: string])[] = [
  ['champion', 'the model version that robots run unless a trial says otherwise'],
  ['candidate', 'the newer version that a trial compares with the champion'],
  [
    'A/B test',
    'some robots run the candidate and the others the champion, at the same time, until one is proven better',
  ],
  ['arm', 'the robots of a trial that run the same version: the candidate’s and the champion’s (control)'],
  ['rollout', 'the candidate gets more and more robots, stage by stage; the last stage makes it champion'],
  ['stage', 'a number of robots on the candidate, and what must be proven before more get it'],
  ['hold', 'no more robots get the candidate until something is there or proven; those that have it keep it'],
  ['holdback', 'the few robots that keep the champion in the last stage, to compare with'],
  [
    'effect',
    'success of the candidate minus success of the champion, in percentage points, each robot against its own past',
  ],
  ['least effect', 'the lower end of the effect’s interval: with high confidence the effect is not below it'],
  ['look', 'a moment, planned before, at which an A/B test may decide'],
  [
    'evidence of harm',
    'a number that grows while the candidate does worse; at the alarm limit all robots go back to the champion',
  ],
  ['left out blocks', 'times in which no champion episode is there to compare with; they prove nothing'],
];

/** What the special words of this page mean. */
export const trialWords = (): ComponentChild =>
  h('details', { class: 'words' }, [
    h('summary', null, 'What the words on this page mean'),
    h(
      'dl',
      null,
      words.map(([word, meaning]) => h('div', { key: word }, [h('dt', null, word), h('dd', null, meaning)])),
    ),
  ]);
