import { missingFinder } from '../activities/collection/find-missing.ts';
import { tmpdir } from 'node:os';

import type { FastifyBaseLogger } from 'fastify';

import type { Steering } from '../acts/steering.ts';
import type { FactTables } from '../activities/facts/fact-tables.ts';
import { openEpisodeTables, type EpisodeTables } from '../activities/lake/read-episode.ts';
import { openLakeReader, type LakeReader } from '../activities/lake/lake-reader.ts';
import { handLabelReader, type HandLabels } from '../activities/mix/hand-labels.ts';
import type { SqlEngine } from '../activities/ports/sql.ts';
import { openFleetReader, type FleetReader } from '../fleet/desk/index.ts';
import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { Acting } from './acting.ts';
import { ChainCheck } from './chain-check.ts';
import type { LoopView } from './loop-view.ts';
import type { IdentityProvider } from './oidc/provider.ts';
import { SessionDirectory } from './oidc/session-directory.ts';
import type { Sessions } from './oidc/sessions.ts';
import type { OidcSettings } from './oidc/settings.ts';
import { OperatorDirectory } from './operator-directory.ts';
import { Questions } from './questions.ts';
import { StoreWatch } from './store-watch.ts';

/** How people sign in by an identity provider. */
export interface OidcDesk {
  readonly settings: OidcSettings;
  readonly provider: IdentityProvider;
  readonly sessions: Sessions;
}

export interface ConsolePorts {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly facts: FactTables;
  /** What workflows say; a server that does not answer is an error of the one question. */
  readonly loop: LoopView;
  /** How people act by way of workflows: as the command does. */
  readonly steer: Steering;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly log: FastifyBaseLogger;
  /** Undefined: people sign in by token alone. */
  readonly oidc?: OidcDesk | undefined;
  /** Where the built pages are; default: where `npm run dashboard` puts them. */
  readonly pagesDirectory?: string;
  /** How often a stream of changes says that the console is there, and who listens is looked up anew; default: 15 s. */
  readonly beatMs?: number;
  /** For so long a rollback can be undone by who ordered it; default: half an hour. */
  readonly undoWithinMs?: number;
  /** How long a question in SQL may take; default: 20 s. */
  readonly questionLimitMs?: number;
}

/** What the routes of one console share. */
export interface ConsoleContext extends ConsolePorts {
  readonly operators: OperatorDirectory;
  readonly fleet: FleetReader;
  readonly watch: StoreWatch;
  readonly acting: Acting;
  readonly chain: ChainCheck;
  /** Sessions of browsers that were ended before their time. */
  readonly signedIn: SessionDirectory;
  /** The way to the SQL engine: few at a time, each for a while. */
  readonly questions: Questions;
  /** Single episodes of the lake, with their frames. */
  readonly episodes: EpisodeTables;
  readonly lake: LakeReader;
  /** Where episodes are that the lake does not have. */
  readonly missing: ReturnType<typeof missingFinder>;
  /** The labels by hand that hold. */
  readonly labels: () => Promise<HandLabels>;
}

export const consoleContext = (ports: ConsolePorts): ConsoleContext => ({
  ...ports,
  operators: new OperatorDirectory(ports),
  fleet: openFleetReader(ports),
  watch: new StoreWatch(ports),
  acting: new Acting(ports),
  chain: new ChainCheck(ports),
  signedIn: new SessionDirectory(ports),
  questions: new Questions(ports),
  // It reads alone: nothing is ever staged.
  episodes: openEpisodeTables({ ...ports, stagingDirectory: tmpdir() }),
  lake: openLakeReader({ ...ports, stagingDirectory: tmpdir() }),
  missing: missingFinder(ports.store),
  labels: handLabelReader(ports),
});
