import { readRobotPage, type RobotPage } from '../../activities/robot-page.ts';
import { openFleetReader } from '../../fleet/desk/fleet-reader.ts';
import { notServedText } from '../../fleet/desk/fleet-view.ts';
import { isFailure } from '../../store/failures.ts';
import { quarantineText } from '../robot-life.ts';
import { madeOf, readManifest } from './model.ts';
import { instant, type Explanation, type Question, type Reason } from './reason.ts';

const mostListed = 10;

/** Which version a robot runs, since when and why, what that was trained on, and what of the robot was refused. */
export async function whyRobot(question: Question): Promise<Explanation> {
  const { context, what: robotId, onDamage } = question;
  const fleet = openFleetReader(context);
  const page = await readRobotPage({ ...context, fleet }, robotId);
  for (const key of page.damaged) onDamage({ key, why: 'damaged' });
  const version = page.now?.version ?? null;
  const installed = page.versions.findLast((one) => one.version === version && one.outcome !== 'refused');
  const since = installed === undefined ? '' : ` since ${instant(installed.atMs)}`;
  const answer =
    page.now === null
      ? `${robotId} is ${page.standing} and counts nowhere`
      : version === null
        ? `${robotId} has told of no version; it is ${page.standing}`
        : `${robotId} runs ${version}${since}; it is ${page.standing}`;
  const order = (await fleet.readOrders(page.policy))?.(robotId);
  const see = `flywheel robots show ${robotId}`;
  return {
    kind: 'robot',
    subject: robotId,
    answer,
    reasons: [
      ...standing(page, see),
      ...(order === undefined ? [] : [orderReason(order, page)]),
      ...(version === null ? [] : await made({ ...question, policy: page.policy }, version)),
      ...page.versions.slice(-mostListed).map((one): Reason => ({
        sentence: `${instant(one.atMs)}: ${one.version} ${one.outcome}`,
        see,
      })),
      refused(page, see),
      ...page.incidents
        .filter(({ state }) => state === 'opened')
        .slice(-mostListed)
        .map((incident): Reason => ({
          sentence: `incident ${incident.cause} at ${instant(incident.atMs)}: ${incident.reason}`,
          see: `flywheel incidents list --history --policy ${page.policy}`,
        })),
    ],
  };
}

function standing({ quarantine, now }: RobotPage, see: string): readonly Reason[] {
  return [
    ...(quarantine === null ? [] : [{ sentence: `it is in quarantine ${quarantineText(quarantine)}`, see }]),
    ...(now?.notServed === undefined ? [] : [{ sentence: notServedText(now.notServed), see }]),
    ...(now?.closedUntilMs === undefined
      ? []
      : [
          {
            sentence: `the update windows of its site are closed until ${instant(now.closedUntilMs)}`,
            see: 'flywheel windows show',
          },
        ]),
    ...(now === null ? [] : [{ sentence: `contact: ${now.contact}`, see }]),
  ];
}

function orderReason(
  order: {
    readonly version: string;
    readonly championVersion: string;
    readonly trialId: string | null;
    readonly seq: number;
  },
  { policy, now }: RobotPage,
): Reason {
  const follows = now?.version === order.version ? 'which it runs' : 'which it does not run yet';
  const why =
    order.trialId !== null && order.version !== order.championVersion
      ? `for trial ${order.trialId}`
      : order.version === order.championVersion
        ? 'the champion'
        : `not the champion ${order.championVersion}`;
  return {
    sentence: `order ${order.seq} gives it ${order.version}, ${why}, ${follows}`,
    see: `flywheel why ${order.trialId ?? order.version} --policy ${policy}`,
  };
}

async function made(question: Question, version: string): Promise<readonly Reason[]> {
  try {
    return await madeOf(question, (await readManifest(question, version)).manifest);
  } catch (error) {
    if (!isFailure(error, 'NotFound') && !isFailure(error, 'CorruptData')) throw error;
    return [{ sentence: error.message }];
  }
}

const refused = ({ uploads }: RobotPage, see: string): Reason => ({
  sentence: `${uploads.episodesRefused} of its episodes and ${uploads.segmentsRefused} of its segments were refused, ${uploads.episodesStored} episodes stored, in ${uploads.collections} collections`,
  sample: `${uploads.episodesRefused + uploads.episodesStored} episodes`,
  see: uploads.episodesRefused + uploads.segmentsRefused > 0 ? 'flywheel data quarantine' : see,
});
