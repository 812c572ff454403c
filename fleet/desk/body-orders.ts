import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import type { KeptOn } from '../../domain/registry/index.ts';
import type { Order } from './assignment-log.ts';

/** A version of a robot type: one kind of hardware. */
export type Body = Pick<RobotType, 'id' | 'version'>;

/** Each body once. */
export const bodiesOf = (robots: readonly { readonly robotType: Body }[]): readonly Body[] => [
  ...new Map(robots.map(({ robotType }) => [robotTypeName(robotType), robotType])).values(),
];

/** What may run on whom. */
export interface ServedBodies {
  /** Whether robots of the body may be ordered the version: it lists the body as proven, or a person let it have it. */
  readonly serves: (version: string, body: Body) => boolean;
  /** Champions of before, newest first, without those that were taken back. */
  readonly formerChampions: readonly string[];
  /** Champions that an older one or the baseline replaced, newest first. */
  readonly withdrawnChampions: readonly string[];
  readonly baselineVersion: string | undefined;
  /** The version that a robot in quarantine stays on; undefined where that is none that may run, so that it follows all others. */
  readonly keptOn: (keeps: KeptOn) => string | undefined;
}

/** What robots of one body go back to: the champion, else the newest champion of before, else the baseline; of those that serve it. */
export function championFor(
  body: Body,
  championVersion: string,
  { serves, formerChampions, baselineVersion }: Pick<ServedBodies, 'serves' | 'formerChampions' | 'baselineVersion'>,
): string | undefined {
  const ladder = [championVersion, ...formerChampions, ...(baselineVersion === undefined ? [] : [baselineVersion])];
  return ladder.find((version) => serves(version, body));
}

type Asked = Pick<Order, 'version' | 'championVersion' | 'trialId' | 'urgency'>;
type Fitted<Given> = Given & { readonly isReplaced: boolean };

/**
 * An order as a robot gets it: as its body does, and in quarantine no other version than `keeps`. The records of the trial whose candidate it was given
 * are followed, because they take it back by name; after that it stays where it is until what it runs is taken back: then it follows, as urgently as was asked.
 */
export function orderFor<Given extends Asked>(
  order: Given,
  body: Body,
  served: ServedBodies,
  keeps?: KeptOn,
): Fitted<Given> | undefined {
  const fit = orderOfBody(order, body, served);
  if (keeps === undefined || (keeps.trialId !== null && keeps.trialId === order.trialId)) return fit;
  const version = served.keptOn(keeps);
  if (version === undefined || version === fit?.version || !served.serves(version, body)) return fit;
  const isTakenBack = keeps.trialId !== null && version !== keeps.version;
  const urgency = isTakenBack ? order.urgency : 'whenIdle';
  return { ...order, version, championVersion: version, trialId: null, urgency, isReplaced: true };
}

/**
 * An order as a robot of this body gets it. A version that does not serve it is replaced by what it goes back to, off every trial, taken
 * when idle, or as urgently as was asked where the robot may still run a champion that was taken back; undefined when there is nothing that it could run or go back to.
 */
function orderOfBody<Given extends Asked>(order: Given, body: Body, served: ServedBodies): Fitted<Given> | undefined {
  const own = championFor(body, order.championVersion, served);
  if (own === undefined) return undefined;
  const isTried = order.version !== order.championVersion;
  if (isTried && served.serves(order.version, body)) return { ...order, championVersion: own, isReplaced: false };
  if (!isTried && own === order.championVersion) return { ...order, isReplaced: false };
  const mayRunWithdrawn = served.withdrawnChampions.some((version) => served.serves(version, body));
  const urgency = mayRunWithdrawn ? order.urgency : 'whenIdle';
  return { ...order, version: own, championVersion: own, trialId: null, urgency, isReplaced: true };
}
