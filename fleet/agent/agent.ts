import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { ulid } from 'ulid';

import { robotIdSchema } from '../protocol/index.ts';
import type { Agent, AgentOptions } from './agent-api.ts';
import { agentEnd } from './agent-end.ts';
import { statusOf } from './agent-status.ts';
import { agentVersion } from './agent-version.ts';
import { createBells, runInBackground } from './versions/background.ts';
import { openClipUpload } from './link/clip-upload.ts';
import { createConnection } from './link/connection.ts';
import { openContact } from './link/contact.ts';
import { openGatewayTimes, stampNow } from './local/dating.ts';
import { lockDirectory } from './local/directory-lock.ts';
import { createExchange } from './link/exchange.ts';
import { createGatewayAdditions } from './link/gateway-additions.ts';
import { createGatewayClient } from './gateway-client.ts';
import { installReporter } from './versions/report-install.ts';
import { openInstallReports } from './versions/install-reports.ts';
import { openInstallationFile } from './versions/installation-file.ts';
import type { ActivePolicy } from './versions/keeper-state.ts';
import { defaultLimits } from './limits.ts';
import { createOutage, untilDone, type LoopPorts } from './link/loops.ts';
import { openToldTasks } from './link/told-tasks.ts';
import { onlineTime } from './recording/online-time.ts';
import { countRefusedTasks } from './recording/refused-tasks.ts';
import { openModelFolder } from './versions/model-folder.ts';
import { momentOf, openRecording } from './recording/recording.ts';
import { createRobotSide } from './robot-side.ts';
import { printable } from './local/printable.ts';
import { openSetAside } from './recording/set-aside.ts';
import { syncToDisk } from './recording/append-only-file.ts';
import { linuxBootId, type MachineMoment } from './local/times.ts';
import { orderRefusalReport } from './trust/refusal-report.ts';
import { openTrustedOrders } from './trust/trusted-orders.ts';
import { createVersionKeeper, type VersionKeeper } from './versions/version-keeper.ts';

/** Lines carry text of gateways and models. */
const longestLogLine = 2_000;

/** Opens a robot's agent: it loads the installed policy, then talks to the gateway by itself, however long that is away. */
export async function openAgent(options: AgentOptions): Promise<Agent> {
  const { robotType, monotonic, clock: wall } = options;
  const robotId = robotIdSchema.parse(options.robotId);
  const limits = { ...defaultLimits, ...options.limits };
  const { random = Math.random, at = () => undefined, onSafeStop } = options;
  const log = (line: string): void => options.log?.(printable(line, longestLogLine));
  const machineBootId = options.machineBootId ?? linuxBootId();
  const now = (): MachineMoment => ({ machineBootId, monotonicMs: monotonic() });
  const folder = (name: string): string => path.join(options.directory, name);
  await mkdir(folder('models'), { recursive: true });
  const unlock = lockDirectory(options.directory, machineBootId);

  const newId = (): string => ulid(wall());
  const bootId = newId();
  const stop = new AbortController();
  const { signal } = stop;
  setMaxListeners(100, signal);
  const bells = createBells();

  let keeper: VersionKeeper | undefined;
  const acting = (): ActivePolicy | undefined => keeper?.active();
  const outage = createOutage();
  const loopPorts: LoopPorts = { signal, random, backOff: limits.backOff, outage, log };
  const contact = await openContact(folder('contact.json'), now, outage.over);
  const file = await openInstallationFile(folder('installed.json'), at, log);
  const times = await openGatewayTimes(folder('clocks.json'), now);
  const reports = await openInstallReports(folder('reports'), times.datingOf);
  const aside = await openSetAside(folder('set-aside.ndjson'), folder('set-aside.json'), log);
  const gateway = createGatewayClient({
    robotId,
    gatewayUrl: options.gatewayUrl,
    token: options.token,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    monotonic,
    timeoutMs: limits.requestTimeoutMs,
    signal,
  });
  const installedVersion = (): string | null => acting()?.version ?? null;
  const policy = (): string | undefined =>
    (acting() ?? file.state().current)?.policy ?? file.state().policy ?? undefined;
  const additions = createGatewayAdditions();
  const link = { gateway, additions, bootId, robotType, file, contact, times, wall, monotonic };
  const connection = createConnection({ ...link, installedVersion, policy });
  const told = await openToldTasks({ gateway, file: folder('tasks.json'), onNews: () => bells.tasks.ring(), log });
  const refusedTasks = countRefusedTasks();
  const recording = await openRecording({
    robotId,
    robotType,
    isTold: told.has,
    agentVersion,
    bootId,
    directory: options.directory,
    wall,
    monotonic,
    newId,
    machineBootId,
    skewMs: connection.skewMs,
    datingOf: times.datingOf,
    setAside: (why, what) => aside.add(why, what),
    site: () => file.state().site ?? undefined,
    acting,
    policy,
    limits,
    clipMaker: options.clipMaker,
    sync: options.sync ?? syncToDisk,
    at,
    log,
  });
  const { safeStopTimeoutMs } = limits;
  const onChange = (): void => [bells.telemetry, bells.settle, bells.clips].forEach((bell) => bell.ring());
  const side = createRobotSide({ recording, robotType, safeStopTimeoutMs, onSafeStop, onChange, log });

  const keep = (entry: Parameters<typeof recording.keep>[0]): Promise<void> =>
    recording.keep(entry).then(() => bells.telemetry.ring());

  const moment = () => momentOf({ wall, acting });
  const online = onlineTime({ monotonic, everyMs: limits.onlineEveryMs, moment, keep, refusedTasks });

  const report = installReporter({
    reports,
    newId,
    bootId,
    moment: () => ({ ...moment(), clockSkewMs: Math.round(connection.skewMs() ?? 0) }),
    stamp: () => stampNow({ machineBootId, wall, monotonic }),
    policy,
    onAdded: () => bells.reports.ring(),
  });

  const orders = await openTrustedOrders({
    robotId,
    robotType,
    file: folder('trust.json'),
    root: options.root,
    publicKeyPem: options.publicKeyPem,
    gateway,
    now,
    refused: (refusal) => report(orderRefusalReport(refusal, file.state())),
    log,
  });
  const { download, loadTimeoutMs, decideTimeoutMs } = limits;
  const models = openModelFolder({
    ...options,
    trust: orders.manifestTrust,
    directory: folder('models'),
    gateway,
    at,
    download,
    loadTimeoutMs,
    decideTimeoutMs,
    onUnknownTask: (task) => refusedTasks.add(task),
    episodeBounds: side.episodeBounds,
    runBounds: side.runBounds,
    onFailed(slot, detail) {
      keeper?.failed(slot, detail).catch((cause: unknown) => log(`after a failed policy: ${String(cause)}`));
    },
  });
  const ownKeeper = createVersionKeeper({
    file,
    models,
    now,
    contactlessMs: contact.contactlessMs,
    unfreshMs: orders.unfreshMs,
    isIdle: side.isIdle,
    stopSafely: () => side.stopSafely(),
    beforeSwitch: () => online.keep(),
    untilDone: (name, ended, step) => untilDone({ ...loopPorts, signal: ended }, name, step),
    onChange: () => bells.keeper.ring(),
    at,
    log,
    report,
    safetyEvent: (event, policyVersion, trialId) =>
      keep({ kind: 'safetyEvent', ...moment(), policyVersion, trialId, event }),
  });
  await ownKeeper.start();
  keeper = ownKeeper;

  const exchange = await createExchange({
    gateway,
    recording,
    reports,
    additions,
    orders,
    keeper: {
      ...ownKeeper,
      async order(order, leaseRemainingMs) {
        await ownKeeper.order(order, leaseRemainingMs);
        bells.keeper.ring();
      },
    },
    uploadingFile: folder('uploading.json'),
    setAside: (why, what) => aside.add(why, what),
    contactMade(answer) {
      connection.contactMade(answer);
      told.heard(answer.headers);
      bells.keeper.ring();
    },
    at,
    log,
  });

  const clipUpload = await openClipUpload({
    gateway,
    recording,
    budgetFile: folder('clip-budget.json'),
    limits,
    nowMs: () => monotonic() + (times.now()?.offsetMs ?? wall() - monotonic()),
    monotonic,
    at,
    log,
  });

  const settle = async (isNow: boolean): Promise<void> => {
    const { mayBeUploaded } = exchange;
    // What is left when the agent ends becomes clips in its next life.
    for (let isMore = isNow; isMore && !signal.aborted;)
      isMore = await recording.images.makeNext({ isIdle: true, now: true, signal });
    await recording.settle({ now: isNow, mayBeUploaded, uploadingClip: clipUpload.uploading() });
    for (const bell of [bells.upload, bells.clipUpload]) bell.ring();
  };

  const background = runInBackground({
    loops: loopPorts,
    bells,
    limits,
    connection,
    contact,
    exchange,
    clipUpload,
    told,
    orders,
    keeper: ownKeeper,
    recording,
    isBusy: () => !side.isIdle(),
    keepOnlineIfDue: () => online.keepIfDue(),
    settle: () => settle(false),
  });

  return {
    beginEpisode: (episode = {}) => side.begin(episode),
    mayRecord: (task) => recording.episodes.isTask(task),
    record: (frame) => side.add(frame),
    correct: (frame, expertAction) => side.add(frame, expertAction),
    recordImage: (camera, bytes, atUs) => side.image(camera, bytes, atUs),
    intervene: () => side.intervene(),
    safetyEvent: (kind) => keep({ kind: 'safetyEvent', ...moment(), event: eventOf(kind) }),
    async endEpisode(outcome, { reason, atUs } = {}) {
      const isRecorded = await side.end(outcome, reason, atUs);
      await ownKeeper.switchIfReady();
      return isRecorded;
    },
    policy: acting,
    idle() {
      side.setBusy(false);
      bells.keeper.ring();
    },
    busy: () => side.setBusy(true),
    status: () => statusOf({ connection, acting, recording, refusedTasks, reports, aside, side, contact, orders }),
    settle: () => settle(true),
    ...agentEnd({ stop, background, keeper: ownKeeper, side, online, settle, aside, recording, unlock }),
  };
}

/** Something happened that must never happen: what nobody named well is told all the same. */
const eventOf = (kind: unknown): string => String(kind).trim().slice(0, 100) || 'unspecified';
