import { footerKeys, segmentSchemaVersion } from './columns.ts';

/** What a robot says about a whole segment; stored as text in the Parquet footer's metadata. */
export interface SegmentFooter {
  readonly schemaVersion: number;
  readonly robotId: string;
  /** `id@version`. */
  readonly robotType: string;
  readonly robotTypeDigest: string;
  readonly agentVersion: string;
  /** Robot clock minus gateway clock, milliseconds: 0 from robots that date by the gateway's clock. */
  readonly clockSkewMs: number;
}

/** What a recorder says; without a clock skew where nobody knows when it was. */
export type RecordedFooter = Omit<SegmentFooter, 'schemaVersion' | 'clockSkewMs'> & {
  readonly clockSkewMs: number | undefined;
};

/** The footer as key and value texts, for any Parquet writer. */
export const footerMetadata = (footer: RecordedFooter): Readonly<Record<string, string>> => ({
  [footerKeys.schemaVersion]: String(segmentSchemaVersion),
  [footerKeys.robotId]: footer.robotId,
  [footerKeys.robotType]: footer.robotType,
  [footerKeys.robotTypeDigest]: footer.robotTypeDigest,
  [footerKeys.agentVersion]: footer.agentVersion,
  ...(footer.clockSkewMs === undefined ? {} : { [footerKeys.clockSkewMs]: String(footer.clockSkewMs) }),
});

/** Three hundred years in milliseconds: beyond it a number is no clock skew, and sums in microseconds would overflow. */
const largestNumber = 1e13;

/** Longer than anything a robot says there: what is cut off is refused by the rule that looks at it. */
const maxTextCharacters = 256;

/** Reads what `footerMetadata` wrote. What is missing or no number is undefined: rules decide about it. */
export function parseFooter(metadata: Readonly<Record<string, string>>): Partial<SegmentFooter> {
  const text = (key: string): string | undefined => metadata[key]?.slice(0, maxTextCharacters);
  const number = (key: string): number | undefined => {
    const value = text(key);
    const number = value === undefined || value.trim() === '' ? Number.NaN : Number(value);
    return Math.abs(number) <= largestNumber ? number : undefined;
  };
  const found = {
    schemaVersion: number(footerKeys.schemaVersion),
    robotId: text(footerKeys.robotId),
    robotType: text(footerKeys.robotType),
    robotTypeDigest: text(footerKeys.robotTypeDigest),
    agentVersion: text(footerKeys.agentVersion),
    clockSkewMs: number(footerKeys.clockSkewMs),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
