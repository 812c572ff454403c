import { canonicalJson } from '../../domain/canonical-json.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import type { KeptOn } from '../../domain/registry/index.ts';
import type { RobotOrder } from '../protocol/index.ts';
import { orderFor, type Body } from './body-orders.ts';
import type { OrderSheet, PlantedSheet, VersionReader } from './order-sheet.ts';
import type { ServedFacts } from './served-reader.ts';

/** A registered robot, as far as its orders go. */
export interface BodiedRobot {
  readonly robotId: string;
  readonly robotType: Body;
  /** What it was ordered when it came into quarantine; absent for a robot in none. */
  readonly keeps?: KeptOn | undefined;
}

type AskedOrder = Omit<RobotOrder, 'asked' | 'fit'>;

/** The orders before they were fitted to bodies: what the assignment says. */
export const askedSheet = ({ orders, robots }: OrderSheet): OrderSheet => {
  const asked = orders.map(askedOf);
  const texts = asked.map((order) => canonicalJson(order));
  const first = texts.map((text) => texts.indexOf(text));
  const used = asked.flatMap((order, index) => (first[index] === index ? [{ order, index }] : []));
  const place = new Map(used.map(({ index }, at) => [index, at]));
  return {
    orders: used.map(({ order }) => order),
    robots: robots.flatMap(([robotId, index]): [string, number][] => {
      const at = place.get(first[index] ?? 0) ?? 0;
      return at === 0 ? [] : [[robotId, at]];
    }),
  };
};

const askedOf = ({ asked, fit: _fit, ...order }: RobotOrder): AskedOrder =>
  asked === undefined ? order : { policy: order.policy, seq: order.seq, ...asked };

/**
 * The sheet with an order of its own for every robot whose body another version serves than the one it was asked to run: it keeps what it
 * goes back to, and its order names its own body; and for every robot in quarantine, which keeps what it runs. `unserved` are robots that nothing serves: the sheet's tree
 * gives each of them a leaf that no order fits. Robots that nobody registered keep what
 * the sheet says; a fleet of one body that all versions serve gets the very sheet that was given. A robot that gets another order under the
 * place that it had one of in `before` is given it with a higher `fit`: it refuses a second order under one place otherwise.
 */
export async function fitSheet(
  asked: OrderSheet,
  robots: readonly BodiedRobot[],
  served: ServedFacts,
  read: VersionReader,
  before?: PlantedSheet,
): Promise<OrderSheet> {
  const orders: RobotOrder[] = [...asked.orders];
  const own = new Map(asked.robots);
  const places = new Map<string, number | undefined>();
  const fitted = new Map<string, number>(asked.robots);
  const unserved: string[] = [];

  /** Undefined where nothing serves the body. */
  async function placeOf(index: number, body: Body, keeps: KeptOn | undefined): Promise<number | undefined> {
    const key = `${index} ${robotTypeName(body)} ${keeps === undefined ? '' : canonicalJson(keeps)}`;
    if (places.has(key)) return places.get(key);
    const given = asked.orders[index];
    const order = given === undefined ? undefined : await fitOrder(given, body, served, read, keeps);
    const place = order === given ? index : order === undefined ? undefined : orders.push(order) - 1;
    places.set(key, place);
    return place;
  }

  const isSamePlace = before?.sheet.orders[0]?.seq === asked.orders[0]?.seq;
  const counted = isSamePlace ? fitCounter(before, orders) : undefined;
  for (const { robotId, robotType, keeps } of robots.toSorted((a, b) => (a.robotId < b.robotId ? -1 : 1))) {
    const found = await placeOf(own.get(robotId) ?? 0, robotType, keeps);
    const place = found === undefined ? undefined : (counted?.of(robotId, found) ?? found);
    if (place === undefined) unserved.push(robotId);
    if (place === undefined || place === 0) fitted.delete(robotId);
    else fitted.set(robotId, place);
  }
  const fits = counted?.fits() ?? 0;
  return {
    orders,
    robots: [...fitted],
    ...(unserved.length === 0 ? {} : { unserved }),
    ...(fits === 0 ? {} : { fits }),
  };
}

/** Gives each robot's order the `fit` that it had, or the next one where it is another order than before. */
function fitCounter(before: PlantedSheet | undefined, orders: RobotOrder[]) {
  const last = before?.sheet.fits ?? 0;
  const places = new Map<string, number>();
  let fits = last;
  return {
    fits: () => fits,
    of(robotId: string, place: number): number {
      const order = orders[place];
      const had = before?.of(robotId);
      if (order === undefined) return place;
      const fit = had !== undefined && isSameOrder(had, order) ? had.fit : last + 1;
      if (fit === undefined) return place;
      fits = Math.max(fits, fit);
      const key = `${place} ${fit}`;
      const known = places.get(key) ?? orders.push({ ...order, fit }) - 1;
      places.set(key, known);
      return known;
    },
  };
}

/** What a robot acts by: the baseline may change under one order. */
const isSameOrder = (one: RobotOrder, other: RobotOrder): boolean => actingText(one) === actingText(other);
const actingText = ({ model, champion, trialId, isLeased, urgency, robotType }: RobotOrder): string =>
  canonicalJson({ model, champion, trialId, isLeased, urgency, robotType });

async function fitOrder(
  asked: AskedOrder,
  body: Body,
  served: ServedFacts,
  read: VersionReader,
  keeps?: KeptOn,
): Promise<RobotOrder | undefined> {
  const { model, champion, baseline, trialId, urgency } = asked;
  const versions = { version: model.version, championVersion: champion.version, trialId, urgency };
  const order = orderFor(versions, body, served, keeps);
  if (order === undefined) return undefined;
  const known = new Map([model, champion].map((each) => [each.version, each]));
  const reference = async (version: string) => known.get(version) ?? (await read(version))?.reference;
  const [own, ownChampion] = [await reference(order.version), await reference(order.championVersion)];
  // A version that is in the registry no more keeps nobody from what all others run.
  if (own === undefined || ownChampion === undefined)
    return keeps === undefined ? undefined : fitOrder(asked, body, served, read);
  const robotType = served.listed(order.version, body)?.robotType ?? asked.robotType;
  const fit: AskedOrder = {
    ...asked,
    model: own,
    champion: ownChampion,
    baseline: baseline !== null && served.serves(baseline.version, body) ? baseline : null,
    robotType,
    trialId: order.trialId,
    urgency: order.urgency,
    isLeased: asked.isLeased && !order.isReplaced,
  };
  if (canonicalJson(fit) === canonicalJson(asked)) return asked;
  const { policy: _policy, seq: _seq, ...kept } = asked;
  return { ...fit, asked: kept };
}
