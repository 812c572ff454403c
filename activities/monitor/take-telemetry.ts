import type { OnDamage } from '../../store/damaged-objects.ts';
import { forgetOld, newMemory, openSince, rememberOutcome } from '../../domain/monitoring/index.ts';
import { dictionary } from '../../domain/dictionary.ts';
import type { FleetClock, RobotLives } from '../../domain/trial/index.ts';
import { consumedByHour, TelemetryCursor, type TelemetryBatch, type TelemetryLog } from '../../fleet/desk/index.ts';
import { countedEpisode, isUndatedEpisode, overlapOf, reportedAtMs } from '../trials/telemetry-reports.ts';
import type { MonitorState } from './monitor-state.ts';
import { noteLoss, recentLosses } from './robot-losses.ts';

const hourMs = 3_600_000;
/** A life that was silent for so long sends nothing again. */
const lifeMemoryMs = 7 * 24 * hourMs;
const correctionHours = 24 * 60;

/**
 * Takes what robots reported since the last look into the state: every entry once, outcomes to the champion only, because a
 * candidate is the trial's. True when there was too much for one look. Changes `state`.
 */
export async function takeTelemetry(
  telemetry: TelemetryLog,
  policy: string,
  state: MonitorState,
  at: { readonly nowMs: number; readonly clock: FleetClock },
  onDamage: OnDamage,
): Promise<boolean> {
  const cursor = cursorOf(state);
  const { keys, isBehind } = await cursor.next(telemetry, policy, at.nowMs);
  for (const key of keys) for (const batch of await telemetry.read(key, onDamage)) takeBatch(state, cursor, batch, at);
  cursor.advance(keys, at.nowMs, isBehind);
  const { scanFromMs, consumed } = cursor.position;
  state.scanFromMs = scanFromMs;
  state.consumed = dictionary(consumedByHour(consumed));
  state.lives = dictionary([...cursor.lives.entries()].filter(([, { heardMs }]) => heardMs >= at.nowMs - lifeMemoryMs));
  prune(state, at);
  return isBehind;
}

/** Where the last look stood. States hold objects by hour, `2026-11-22T07`. */
function cursorOf({ scanFromMs, consumed, lives }: MonitorState): TelemetryCursor {
  const names = Object.entries(consumed).flatMap(([hour, digests]) =>
    digests.map((digest) => `${hour.replace('T', '/')}/${digest}`),
  );
  return new TelemetryCursor({ scanFromMs, consumed: names }, Object.entries(lives));
}

function takeBatch(
  state: MonitorState,
  cursor: TelemetryCursor,
  batch: TelemetryBatch,
  { nowMs, clock }: { readonly nowMs: number; readonly clock: FleetClock },
): void {
  const { robotId, receivedMs } = batch;
  const entries = cursor.take(batch);
  noteOverlap(state, cursor.lives, batch);
  const nowHour = Math.floor(clock.fleetMs(nowMs) / hourMs);
  const receivedHour = Math.floor(clock.fleetMs(receivedMs) / hourMs);
  const receivedDay = Math.floor(receivedHour / 24);
  for (const entry of entries) {
    const atMs = reportedAtMs(batch, entry);
    if (entry.kind === 'safetyEvent' && atMs !== undefined) {
      const robot = (state.memory[robotId] ??= newMemory());
      if (atMs >= (robot.safety?.atMs ?? 0)) robot.safety = { atMs, version: entry.policyVersion };
    }
    if (entry.kind === 'dropped')
      noteLoss(state.losses, robotId, 'episodesDropped', receivedDay, entry.successes + entry.others);
    if (isUndatedEpisode(batch, entry)) noteLoss(state.losses, robotId, 'outcomesUndated', receivedDay, 1);
    if (entry.kind !== 'episode') continue;
    if (entry.correctedFrames > 0) countCorrections(state, receivedHour, entry.correctedFrames);
    const episode = countedEpisode(batch, entry);
    if (episode === undefined) continue;
    const hour = Math.floor(clock.fleetMs(episode.atMs) / hourMs);
    if (episode.version !== state.champions.champion) continue;
    const { failureReason } = entry;
    rememberOutcome(state.memory, robotId, { hour, nowHour }, { isSuccess: episode.isSuccess, failureReason });
  }
}

/** An overlap is told of for this long after the last word of either life. */
const overlapMemoryMs = 24 * hourMs;
const mostOverlaps = 100;

function noteOverlap(state: MonitorState, lives: RobotLives, batch: TelemetryBatch): void {
  const { robotId, receivedMs } = batch;
  const overlap = overlapOf(lives, batch);
  if (overlap === undefined) return;
  const others = state.lifeOverlaps.filter((one) => one.robotId !== robotId);
  state.lifeOverlaps = [...others, { ...overlap, boots: [...overlap.boots], heardMs: receivedMs }].slice(-mostOverlaps);
}

/** By receipt, not by the episode's end: what a robot kept while it was offline no cycle has learned from yet. */
function countCorrections(state: MonitorState, receivedHour: number, frames: number): void {
  const index = state.correctedFrames.findLastIndex(([known]) => known <= receivedHour);
  const known = state.correctedFrames[index];
  if (known !== undefined && known[0] === receivedHour) known[1] += frames;
  else state.correctedFrames.splice(index + 1, 0, [receivedHour, frames]);
}

/** Forgets what can no longer matter, so that the state does not grow with the fleet's age. */
function prune(state: MonitorState, { nowMs, clock }: { readonly nowMs: number; readonly clock: FleetClock }): void {
  const nowHour = Math.floor(clock.fleetMs(nowMs) / hourMs);
  const openedMs = openSince(state.book, ['errorRate', 'failureReason']);
  const openedHour = openedMs === undefined ? nowHour : Math.floor(clock.fleetMs(openedMs) / hourMs);
  forgetOld(state.memory, nowHour, openedHour);
  state.lifeOverlaps = state.lifeOverlaps.filter(({ heardMs }) => heardMs >= nowMs - overlapMemoryMs);
  state.losses = recentLosses(state.losses, Math.floor(nowHour / 24));
  state.correctedFrames = state.correctedFrames.filter(([hour]) => hour > nowHour - correctionHours);
}
