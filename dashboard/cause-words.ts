import { plainWord } from './plain-words.ts';

/** What a cause means, and what a person does about it. */
export interface CauseWords {
  readonly title: string;
  readonly todo: string;
}

/** Causes in words of people who did not write the monitor; one that is not known stands as it is. */
const words: ReadonlyMap<string, CauseWords> = new Map([
  ['silent', { title: 'Does not report', todo: 'See whether it is switched on and has its network.' }],
  [
    'crashLoop',
    { title: 'Its program crashes again and again', todo: 'Read its log, and quarantine it if people depend on it.' },
  ],
  ['unsafe', { title: 'Reported a safety event', todo: 'Stop it and look at the episode before it runs on.' }],
  [
    'installRefused',
    {
      title: 'Refused a new version and kept its own',
      todo: 'The reason says why; a version that no robot takes must be made again.',
    },
  ],
  [
    'orderRefused',
    {
      title: 'Refused an order that it could not trust',
      todo: 'See which key signed it: somebody else may have given it.',
    },
  ],
  [
    'anomaly',
    { title: 'Does worse than the robots like it', todo: 'Look at its last episodes; its hardware may be worn.' },
  ],
  [
    'failureReason',
    {
      title: 'One reason of failures has become more frequent',
      todo: 'Look at episodes that failed for it, and at the robots and versions that have most of them: the subject leads there.',
    },
  ],
  [
    'errorRate',
    {
      title: 'More episodes fail than before, over all versions',
      todo: 'See on the page Metrics which version, site or task it is.',
    },
  ],
  [
    'drift',
    {
      title: 'Robots see something else than what models were trained on',
      todo: 'See what changed: light, place or a sensor, or the model, which acts otherwise and so sees otherwise: what was promoted, tried or put back before it began stands beside it. The next cycle learns from it.',
    },
  ],
  [
    'badData',
    {
      title: 'A collection refused much of the data',
      todo: 'See on the page Data which rule refused it, and of which robots.',
    },
  ],
  ['leftOut', { title: 'Its data was left out of learning', todo: 'See on the page Data what was refused.' }],
  ['collectionStuck', { title: 'A collection does not get on', todo: 'The reason says at what it stands.' }],
  ['rollbackNeeded', { title: 'The champion does harm', todo: 'Roll back, or say why not.' }],
  [
    'gatewayDead',
    {
      title: 'No gateway says which robots are online',
      todo: 'See whether the gateways run: robots can neither report nor get orders.',
    },
  ],
  ['diskFull', { title: 'A disk is nearly full', todo: 'Make room, or data is lost.' }],
  [
    'scheduleOff',
    { title: 'The weekly cycle is not scheduled', todo: 'Turn the schedule on, or start cycles by hand.' },
  ],
  [
    'learningStopped',
    { title: 'No cycle has ended well for long', todo: 'See on the page Cycle where the last one stands.' },
  ],
  ['cycleFailed', { title: 'A cycle failed', todo: 'Its reason is on the page Cycle.' }],
  [
    'championHolds',
    { title: 'No candidate has passed for long', todo: 'See on the page Cycle which gate holds them.' },
  ],
  ['stepRetries', { title: 'A step is tried again and again', todo: 'The reason says what fails.' }],
  ['workflowStuck', { title: 'A workflow does not get on', todo: 'See whether workers run.' }],
  ['approvalWaits', { title: 'Waits for an approval', todo: 'An approver decides on the page Trial.' }],
  [
    'ordersUnsigned',
    { title: 'Orders cannot be signed', todo: 'Robots take no order now, no rollback either: see to the keys.' },
  ],
  ['damagedObject', { title: 'Something stored is damaged', todo: 'The reason names it.' }],
  [
    'fleetBroken',
    {
      title: 'The whole fleet does badly',
      todo: 'See what changed for all of them at once: if it was a new version, roll back; if it was a rollback, undo it, or go forward again with an approval.',
    },
  ],
  ['promotion', { title: 'A version became champion', todo: '' }],
  ['rollback', { title: 'Robots were ordered back', todo: '' }],
  ['verdict', { title: 'A trial decided', todo: '' }],
  ['trialEnd', { title: 'A trial ended', todo: '' }],
  ['cycleEnd', { title: 'A cycle ended', todo: '' }],
  ['twoLives', { title: 'Two robots use one name', todo: 'Find the one that has a copied token, and take it back.' }],
]);

export const wordsOf = (cause: string): CauseWords => words.get(cause) ?? { title: plainWord(cause), todo: '' };
