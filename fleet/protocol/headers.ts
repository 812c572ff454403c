/** Header names of the protocol beside the standard ones (authorization, etag, if-none-match, range, if-range, retry-after). */
export const wireHeaders = {
  /** Milliseconds the lease behind the ordered version still lives, from the moment of the answer; only on answers to `desired` (200 and 304) with a lease. */
  leaseRemainingMs: 'flywheel-lease-remaining-ms',
  /** When the robot may make a switch that can wait, see `updateWindowIn`; on answers to `desired` (200 and 304) of a site with windows. */
  updateWindow: 'flywheel-update-window-ms',
  /** Of a request for `desired`: `signed` asks for the signed form of orders; a gateway that knows none answers as ever. */
  orders: 'flywheel-orders',
  /** The seal over all orders of the policy, see `sealHeader`; on answers to `desired` (200 and 304) in the signed form. */
  seal: 'flywheel-seal',
  /** The word that the robot belongs to another policy now, see `transferHeader`; on answers to `desired` (200 and 304) of a robot that was moved. */
  transfer: 'flywheel-transfer',
  /**
   * Of what a robot says: the policy whose version it speaks of. Robots that were moved say the former one until they run the other; an agent
   * that says none knows no transfers.
   */
  policy: 'flywheel-policy',
  /** Newest root document the gateway can serve; on answers to `desired` where there is one. A hint only. */
  rootVersion: 'flywheel-root-version',
  /** Last record of the policy's task catalogue; on answers to `desired` (200 and 304) where there is one. A hint: see `tasks`. */
  tasksSeq: 'flywheel-tasks-seq',
  /** The gateway's wall clock when it answered, milliseconds since 1970 UTC; on every answer. */
  clockMs: 'flywheel-clock-ms',
  /** How many entries of a telemetry batch were refused for good; only on answers to batches with such entries. */
  refusedEntries: 'flywheel-refused-entries',
  /** Of a part of a clip: sha256 of that part alone. */
  partSha256: 'flywheel-part-sha256',
  /** Of a part of a clip: the camera it is of, so that images that may not leave the robot are refused before a byte of them is kept. */
  camera: 'flywheel-camera',
  /** Additions to requests that this gateway takes, see `gatewayKnows`; on every answer. A gateway without it would refuse them. */
  knows: 'flywheel-knows',
  /** Which gateway answered; on every answer. */
  gatewayId: 'flywheel-gateway',
} as const;

/**
 * Fields of requests that gateways of before refuse. An agent sends one only after a gateway has announced it: `latencyParts` of episodes in
 * telemetry, `imageCounts` as `images` of heartbeats.
 */
export const knownAdditions = ['latencyParts', 'imageCounts'] as const;
export type Addition = (typeof knownAdditions)[number];

/** The announcement of this version's gateways. */
export const gatewayKnows: string = knownAdditions.join(',');

/** Which additions an answer announces; whatever else it names is of a later version. */
export function additionsIn(header: string | null): ReadonlySet<Addition> {
  const named = (header ?? '').slice(0, 1_000).split(',');
  return new Set(knownAdditions.filter((addition) => named.includes(addition)));
}

/** Value of the header `policy` from a robot that follows none yet; no policy has this name. */
export const noPolicy = '-';

/** The open span of a site's update windows that holds now or comes next, from the moment of the answer. */
export interface UpdateWindow {
  /** 0: open. */
  readonly opensInMs: number;
  /** Null: not in sight. */
  readonly closesInMs: number | null;
}

/** Reads `OPENS-CLOSES`, milliseconds from the answer, e.g. `0-3600000`; undefined for nothing, and for what is none. */
export function updateWindowIn(header: string | null): UpdateWindow | undefined {
  const [, opens, closes = ''] = /^(\d{1,12})-(\d{1,12})?$/.exec(header ?? '') ?? [];
  if (opens === undefined) return undefined;
  const closesInMs = closes === '' ? null : Number(closes);
  return closesInMs !== null && closesInMs <= Number(opens) ? undefined : { opensInMs: Number(opens), closesInMs };
}

/** `Authorization: Bearer <token>`. */
export const bearer = (token: string): string => `Bearer ${token}`;

/** Strong ETag of a digest (RFC 9110, 8.8.3). `desired` uses the first 32 hex digits of its body's sha256, model files their whole sha256. */
export const etagOf = (hexDigest: string): string => `"${hexDigest}"`;

/** Whether an `If-None-Match` header names this ETag; weak comparison, as RFC 9110 13.1.2 asks. */
export function etagMatches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((tag) => strong(tag) === etag);
}

const strong = (tag: string): string => tag.trim().replace(/^W\//, '');
