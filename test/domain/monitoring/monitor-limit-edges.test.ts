import assert from 'node:assert/strict';

import {
  advanceIncidents,
  chooseTrigger,
  defaultMonitorLimits,
  isDriftLookDue,
  judgeAnomalies,
  judgeFailures,
  judgeRobotAnomalies,
  judgeRobots,
  rememberOutcome,
  type FleetBaseline,
  type FleetMemory,
  type IncidentBook,
  type MonitorLimits,
  type WatchedRobot,
} from '../../../domain/monitoring/index.ts';
import { randomFromSeed, type RobotEvidence } from '../../../domain/statistics/index.ts';
import { fleetClock } from '../../../domain/trial/index.ts';
import { assertEdge, near, numbersIn, type Edge } from '../experiment/edges.ts';
import { parameters } from '../experiment/fleets.ts';

const withLimit = (name: keyof MonitorLimits, value: number): MonitorLimits => ({
  ...defaultMonitorLimits,
  [name]: value,
});
const nowHour = 12 * 40_000 + 5;

/** Ten robots, ten episodes an hour; a tenth failed before the last day, a quarter in it. */
function failingFleet(): FleetMemory {
  const fleet: FleetMemory = {};
  const random = randomFromSeed('monitor limits');
  for (let robot = 0; robot < 10; robot += 1)
    for (let hoursAgo = 190; hoursAgo >= 0; hoursAgo -= 1)
      for (let episode = 0; episode < 10; episode += 1) {
        const isSuccess = random() >= (hoursAgo < 24 ? 0.25 : 0.1);
        const outcome = { isSuccess, failureReason: isSuccess ? null : 'collision' };
        rememberOutcome(fleet, `r${robot}`, { hour: nowHour - hoursAgo, nowHour }, outcome);
      }
  return fleet;
}

function riseEdge(name: 'failureRiseFraction' | 'errorRiseFraction', cause: string): Edge {
  const fleet = failingFleet();
  const judge = (value: number) => judgeFailures(fleet, nowHour, withLimit(name, value));
  const { reference, current } = judge(0.001).failureFraction;
  return {
    at: (value) => `found: ${judge(value).findings.some((finding) => finding.cause === cause)}`,
    between: [0.001, 1],
    expected: (current ?? 0) - (reference ?? 0),
  };
}

/** One robot of ten does 20 pp worse than its past. */
function anomalyEdge(): Edge {
  const past = { successes: 8_500, episodes: 10_000, days: 7 };
  const ids = Array.from({ length: 10 }, (_, index) => `r${index}`);
  const baseline: FleetBaseline = { parameters, robots: Object.fromEntries(ids.map((id) => [id, past])) };
  const hoursOf = (id: string): [number, number, number][] => [[nowHour, id === 'r3' ? 650 : 850, 1_000]];
  const robots = ids.map((robotId): WatchedRobot => ({
    robotId,
    contact: 'online',
    unheardMs: 0,
    install: null,
    memory: { hours: hoursOf(robotId), halves: {} },
  }));
  const evidence = ids.map((robotId): RobotEvidence => {
    const blocks = hoursOf(robotId).map(([block, successes, episodes]) => ({ block, successes, episodes }));
    return { robotId, arm: 'control', baseline: past, blocks };
  });
  return {
    at: (value) => {
      const { findings } = judgeRobotAnomalies(robots, baseline, withLimit('anomalyMarginFraction', value));
      return findings.map(({ subject }) => subject).join(' ');
    },
    between: [0.001, 1],
    // e-BH names a single robot of ten where its e-value reaches 10 / 1 %.
    expected: (found) => {
      const judged = judgeAnomalies({ parameters, robots: evidence, days: 1, limits: { marginFraction: found } });
      near(judged.find(({ robotId }) => robotId === 'r3')?.logEvidence ?? 0, Math.log(10 / 0.01), 1e-4);
    },
  };
}

/** `found` looks with something wrong, then `clear` without. */
function hysteresisEdge(name: 'openAfterTicks' | 'closeAfterTicks', found: number, clear: number): Edge {
  const at = (value: number): string => {
    const limits = withLimit(name, value);
    let book: IncidentBook = {};
    const states: string[] = [];
    for (let look = 0; look < found + clear; look += 1) {
      const step = advanceIncidents(book, {
        findings: look < found ? [{ cause: 'anomaly', subject: 'r1', reason: 'worse' }] : [],
        isKnown: () => true,
        hysteresis: () => limits,
        nowMs: look,
      });
      book = step.book;
      states.push(...step.events.map(({ state }) => state));
    }
    return states.join(' ');
  };
  return { at, between: [1, 40], isWhole: true, expected: (name === 'openAfterTicks' ? found : clear) + 1 };
}

const triggerEdge = (
  name: 'correctedFramesToTrigger' | 'triggerDistanceHours',
  between: Edge['between'],
  expected: number,
): Edge => ({
  at: (value) =>
    chooseTrigger(
      {
        drift: undefined,
        errorRate: undefined,
        correctedFrames: 600_000,
        runningCycles: 0,
        hoursSinceTrigger: 50,
      },
      withLimit(name, value),
    ).kind,
  between,
  expected,
  ...(name === 'correctedFramesToTrigger' ? { isWhole: true } : {}),
});

const silentRobot: WatchedRobot = {
  robotId: 'r1',
  contact: 'silent',
  unheardMs: 400_000,
  install: null,
  memory: undefined,
};

const edges: Readonly<Record<string, Edge>> = {
  silentAfterMs: {
    at: (value) => {
      const findings = judgeRobots([silentRobot], 'known', 0, withLimit('silentAfterMs', value));
      return findings.map(({ cause }) => cause).join();
    },
    between: [1_000, 10_000_000],
    isWhole: true,
    expected: 400_001,
  },
  openAfterTicks: hysteresisEdge('openAfterTicks', 4, 0),
  closeAfterTicks: hysteresisEdge('closeAfterTicks', 4, 6),
  anomalyMarginFraction: anomalyEdge(),
  failureRiseFraction: riseEdge('failureRiseFraction', 'failureReason'),
  errorRiseFraction: riseEdge('errorRiseFraction', 'errorRate'),
  correctedFramesToTrigger: triggerEdge('correctedFramesToTrigger', [1, 1e9], 600_001),
  triggerDistanceHours: triggerEdge('triggerDistanceHours', [1, 8_760], 50),
  driftEveryHours: {
    // A fleet day of an hour: seven fleet hours are 17.5 minutes.
    at: (value) =>
      String(isDriftLookDue(1_050_000, withLimit('driftEveryHours', value), fleetClock({ dayMs: 3_600_000 }))),
    between: [0.01, 8_760],
    expected: 7,
  },
};

describe('each number of the monitor’s limits', () => {
  it('has its edge here', () => {
    assert.deepEqual(Object.keys(edges).toSorted(), numbersIn(defaultMonitorLimits).toSorted());
  });

  for (const [name, edge] of Object.entries(edges)) it(`${name} is obeyed at its edge`, () => assertEdge(name, edge));
});
