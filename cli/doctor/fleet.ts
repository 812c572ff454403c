import { maxClockSkewMs } from '../../datasets/clock.ts';
import { defaultViewLimits } from '../../fleet/desk/fleet-view.ts';
import { readPresences } from '../../fleet/desk/presence.ts';
import { isRevokedRobot, readRobots } from '../../fleet/desk/robots.ts';
import { openTelemetryLog } from '../../fleet/desk/telemetry-log.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { ok, problem, someOf, warning, type Check, type Found } from './finding.ts';
import { clockFound } from './store.ts';

const hourMs = 3_600_000;
const gatewayLimitMs = 5_000;
const mostTelemetry = 500;
const startGateway = '`flywheel gateway` with the settings of docs/gateway.md';

/** The gateway that the context file names: answers, serves robots, and its clock agrees. */
export const gatewayCheck = (url: string): Check => ({
  name: 'gateway',
  expected: `a gateway that answers at ${url}`,
  mend: startGateway,
  async look() {
    const signal = AbortSignal.timeout(gatewayLimitMs);
    const response = await fetch(new URL('/readyz', url), { signal, redirect: 'manual' }).catch((error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new Error(`${url} does not answer: ${cause}`, { cause: error });
    });
    const state = stateIn(await readSmall(response));
    const found: Found =
      response.status === 200 && state === 'ok'
        ? ok(`${url} answers and serves robots`)
        : problem(`${url} answers ${response.status} ${state}`, 'a gateway that serves robots', startGateway);
    const dateMs = Date.parse(response.headers.get('date') ?? '');
    const mend = 'set the clocks by NTP there and on this machine: `timedatectl status`';
    return Number.isNaN(dateMs) ? [found] : [found, clockFound('its clock is', dateMs - Date.now(), mend)];
  },
});

const mostAnswerBytes = 4_096;

/** Whoever answers there may send anything, for ever. */
async function readSmall({ body }: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > mostAnswerBytes) break;
  }
  return text.slice(0, mostAnswerBytes);
}

function stateIn(text: string): string {
  try {
    const { status } = JSON.parse(text) as { readonly status?: unknown };
    if (typeof status === 'string') return status.slice(0, 60);
  } catch {
    // Not one of ours.
  }
  return 'and something that no gateway says';
}

/** By what gateways write into the store: one that serves robots was there in the last seconds. */
export const presenceCheck = (
  store: () => Promise<ObjectStore>,
  policies: readonly string[],
  nowMs: number,
): Check => ({
  name: 'gateways',
  expected: 'registered robots and presence documents that can be read',
  mend: 'see the check of the store',
  async look() {
    const opened = await store();
    const robots = [...(await readRobots(opened, new Map(), () => undefined)).values()];
    const served = robots.filter((robot) => robot.retiredMs === undefined && !isRevokedRobot(robot)).length;
    const presences = (
      await Promise.all(policies.map((policy) => readPresences(opened, policy, () => undefined)))
    ).flat();
    const isFresh = ({ atMs }: { readonly atMs: number }): boolean =>
      Math.abs(nowMs - atMs) <= defaultViewLimits.presenceFreshMs;
    const fresh = [...new Set(presences.filter(isFresh).map(({ gatewayId }) => gatewayId))];
    const ahead = presences.toSorted((a, b) => b.atMs - a.atMs)[0];
    const clocks =
      ahead !== undefined && ahead.atMs > nowMs + defaultViewLimits.presenceFreshMs
        ? [clockFound(`the clock of gateway ${ahead.gatewayId} is`, ahead.atMs - nowMs, 'set it by NTP')]
        : [];
    if (fresh.length > 0) return [ok(`${someOf(fresh)} in contact with the store; ${served} robots`), ...clocks];
    if (served === 0) return [ok('none wrote into the store lately, and no robot is registered'), ...clocks];
    return [
      problem(`${served} robots are registered, and no gateway wrote into the store lately`, 'a gateway', startGateway),
      ...clocks,
    ];
  },
});

/** Segments of a robot whose clock is further off are refused. */
export const robotClocksCheck = (
  store: () => Promise<ObjectStore>,
  policies: readonly string[],
  nowMs: number,
): Check => ({
  name: 'clocks of robots',
  expected: 'telemetry that can be read',
  mend: 'see the check of the store',
  async look() {
    const log = openTelemetryLog(await store());
    const last = new Map<string, { readonly heardMs: number; readonly skewMs: number; readonly isUnknown: boolean }>();
    for (const policy of policies) {
      const keys: string[] = [];
      for await (const key of log.keys(policy, nowMs - hourMs, nowMs)) keys.push(key);
      for (const key of keys.slice(-mostTelemetry))
        for (const { robotId, receivedMs: heardMs, clockSkewMs: skewMs, isTimeUnknown } of await log.read(
          key,
          () => undefined,
        ))
          if (heardMs >= (last.get(robotId)?.heardMs ?? 0))
            last.set(robotId, { heardMs, skewMs, isUnknown: isTimeUnknown === true });
    }
    const off = [...last].filter(([, { skewMs }]) => Math.abs(skewMs) > maxClockSkewMs);
    const unset = [...last].filter(([, { isUnknown }]) => isUnknown).map(([robotId]) => robotId);
    const mend = 'set the clock of the robot by NTP; `flywheel robots show ROBOT` shows how far it is off';
    return [
      off.length === 0
        ? ok(`${last.size} robots heard of in the last hour, none further off than validation takes`)
        : problem(
            `${someOf(off.map(([robotId, { skewMs }]) => `${robotId} ${(skewMs / hourMs).toFixed(1)} h off`))}: what they record is refused`,
            `at most ${maxClockSkewMs / hourMs} h`,
            mend,
          ),
      ...(unset.length === 0
        ? []
        : [warning(`${someOf(unset)} say that they do not know the time`, 'a clock that was set', mend)]),
    ];
  },
});
