import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
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
}

/** What robots of one body go back to: the champion, else the newest champion of before, else the baseline; of those that serve it. */
export function championFor(
  body: Body,
  championVersion: string,
  { serves, formerChampions, baselineVersion }: ServedBodies,
): string | undefined {
  const ladder = [championVersion, ...formerChampions, ...(baselineVersion === undefined ? [] : [baselineVersion])];
  return ladder.find((version) => serves(version, body));
}

type Asked = Pick<Order, 'version' | 'championVersion' | 'trialId' | 'urgency'>;

/**
 * An order as a robot of this body gets it. A version that does not serve it is replaced by what it goes back to, off every trial, taken
 * when idle, or as urgently as was asked where the robot may still run a champion that was taken back; undefined when there is nothing that it could run or go back to.
 */
export function orderFor<Given extends Asked>(
  order: Given,
  body: Body,
  served: ServedBodies,
): (Given & { readonly isReplaced: boolean }) | undefined {
  const own = championFor(body, order.championVersion, served);
  if (own === undefined) return undefined;
  const isTried = order.version !== order.championVersion;
  if (isTried && served.serves(order.version, body)) return { ...order, championVersion: own, isReplaced: false };
  if (!isTried && own === order.championVersion) return { ...order, isReplaced: false };
  const mayRunWithdrawn = served.withdrawnChampions.some((version) => served.serves(version, body));
  const urgency = mayRunWithdrawn ? order.urgency : 'whenIdle';
  return { ...order, version: own, championVersion: own, trialId: null, urgency, isReplaced: true };
}
