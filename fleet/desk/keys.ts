/** Where the fleet's state lies in the object store. Logs are folders of `<20 digits>.json`. */
export const fleetKeys = {
  robots: 'robots',
  /** Which robots have a new record, for gateways to follow. */
  robotChanges: 'robot-changes',
  robotLog: (robotId: string): string => `robots/${robotId}`,
  /** What a robot's agent said of itself in its last handshake. */
  agent: (robotId: string): string => `agents/${robotId}.json`,
  assignmentLog: (policy: string): string => `fleet/${policy}/assignments`,
  seals: (policy: string): string => `fleet/${policy}/seals/`,
  /** Places count from -1, names from 0. */
  seal: (policy: string, seq: number): string => `fleet/${policy}/seals/${String(seq + 1).padStart(20, '0')}.json`,
  sealPlace: (key: string): number | undefined => {
    const digits = /\/(\d{20})\.json$/.exec(key)?.[1];
    return digits === undefined ? undefined : Number(digits) - 1;
  },
  sheet: (policy: string, root: string): string => `fleet/${policy}/sheets/${root}.json`,
  roots: 'trust/roots',
  /** When robots of a site may be updated; one log of all sites. */
  windows: 'windows',
  lease: (policy: string, trialId: string): string => `fleet/${policy}/leases/${trialId}.json`,
  installs: (policy: string): string => `fleet/${policy}/installs`,
  installLog: (policy: string, robotId: string): string => `fleet/${policy}/installs/${robotId}`,
  /** Written by the registry; the gateway only looks whether there is more. */
  aliasLog: (policy: string): string => `registry/${policy}/aliases`,
  presences: (policy: string): string => `fleet/${policy}/presence`,
  presence: (policy: string, gatewayId: string): string => `fleet/${policy}/presence/${gatewayId}.json`,
  telemetryHour: (policy: string, hour: string): string => `telemetry/${policy}/${hour}`,
} as const;

/** `2026-11-22/07` of an instant: the folder of its telemetry, by UTC. */
export function telemetryHour(atMs: number): string {
  const text = new Date(atMs).toISOString();
  return `${text.slice(0, 10)}/${text.slice(11, 13)}`;
}

const seqPattern = /^(.*)\/(\d{20})\.json$/;

/** Splits the key of a log entry into its log and its position; undefined for other keys. */
export function parseLogKey(key: string): { readonly log: string; readonly seq: number } | undefined {
  const [, log, digits] = seqPattern.exec(key) ?? [];
  return log === undefined ? undefined : { log, seq: Number(digits) };
}

export const logKey = (log: string, seq: number): string => `${log}/${String(seq).padStart(20, '0')}.json`;
