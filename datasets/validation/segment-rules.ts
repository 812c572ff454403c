import { segmentColumns, segmentSchemaVersion } from '../columns.ts';
import { maxClockSkewMs } from '../clock.ts';
import type { PageLimits } from '../parquet-pages.ts';
import { acceptedDigests } from '../robot-type-digest.ts';
import { robotTypeKey, robotTypeName, type RobotType } from '../robot-type.ts';
import { about, type Rule } from './rule.ts';
import type { SegmentFacts, SegmentForm } from './segment-facts.ts';

/** Facts of a segment together with where it lies and what reading it showed. */
export interface LandedSegmentFacts extends SegmentFacts {
  readonly key: string;
  /** Robot of the key; undefined when the key is no segment's. */
  readonly landingRobotId: string | undefined;
  /** sha256 in the key is not the one of the bytes: what the bytes have. */
  readonly otherSha256: string | undefined;
  /** What the page headers announce beyond the limits; undefined when they keep them. */
  readonly pageProblem: string | undefined;
  /** Texts that are too long, once the data was read. */
  readonly longText: string | undefined;
  /** How many of its episodes are refused, where that is too many to keep each alone. */
  readonly refusedEpisodes: number | undefined;
  /** Why the engine could not read the data, though the footer is in order. */
  readonly readError: string | undefined;
}

type SegmentRule = Rule<LandedSegmentFacts>;

/** A robot never makes a segment beyond this; the gateway takes at most 64 MiB. */
export const maxSegmentBytes = 256 * 1024 * 1024;
export const maxSegmentRows = 1_000_000;

const forms: Readonly<Record<Exclude<SegmentForm, 'parquet'>, string>> = {
  truncatedParquet: 'a Parquet file that was cut off, or whose footer cannot be read',
  empty: 'an empty file',
  gitLfsPointer: 'a Git LFS pointer: the file itself was not fetched',
  text: 'a text file, such as CSV',
  unknown: 'bytes of another kind',
};

const place: SegmentRule = {
  id: 'segment.place',
  doc: 'A segment lies at landing/<robot id>/<sha256 of its bytes>.parquet.',
  waivable: false,
  check: ({ key, landingRobotId, otherSha256 }) => {
    if (landingRobotId === undefined) return about(key, 'landing/<robot id>/<sha256>.parquet');
    return otherSha256 === undefined ? undefined : about(otherSha256, 'the sha256 that the name says');
  },
};

const unreadable: SegmentRule = {
  id: 'segment.unreadable',
  doc: 'A segment is a whole Parquet file whose data can be decoded.',
  waivable: false,
  check: ({ form, readError }) => {
    if (form !== 'parquet') return about(forms[form], 'a whole Parquet file');
    return readError === undefined ? undefined : about(readError, 'data that can be decoded');
  },
};

const tooLarge: SegmentRule = {
  id: 'segment.too-large',
  doc: 'A segment claims at most 1,000,000 frames, 256 MiB and, a frame, as many numbers as the robot type has observations (at least 256).',
  waivable: false,
  check: ({ rows, sizeBytes, mostValues }, type) => {
    if (rows > maxSegmentRows) return about(`${rows} frames`, `at most ${maxSegmentRows} frames`);
    if (sizeBytes > maxSegmentBytes) return about(`${sizeBytes} bytes`, `at most ${maxSegmentBytes} bytes`);
    const mostAllowed = rows * mostNumbersPerFrame(type);
    return mostValues > mostAllowed ? about(`${mostValues} values`, `at most ${mostAllowed} values`) : undefined;
  },
};

const mostNumbersPerFrame = (type: RobotType): number =>
  Math.max(256, type.observations.length, type.actions.kind === 'continuous' ? type.actions.ranges.length : 1);

/** One page is held whole while it is read, of every column at once. */
const maxPageBytes = 128 * 1024 * 1024;
const maxUncompressedBytes = 1024 * 1024 * 1024;
const textBytesPerFrame = 8 * 1024;
const maxPages = 250_000;
const textColumns: ReadonlySet<string> = new Set(
  segmentColumns.filter(({ type }) => type === 'string' || type === 'mediaList').map(({ name }) => name),
);

/** What the pages of a segment of this type with so many frames may announce. */
export const pageLimits = (type: RobotType, rows: number): PageLimits => pageLimitsOf(mostNumbersPerFrame(type), rows);

/** The same where no robot type is known: at most so many numbers a frame. */
export const pageLimitsOf = (numbersPerFrame: number, rows: number): PageLimits => ({
  pageBytes: maxPageBytes,
  totalBytes: maxUncompressedBytes,
  textBytes: 4 * 1024 * 1024 + Math.min(rows, maxSegmentRows) * textBytesPerFrame,
  textColumns,
  columnValues: Math.min(rows, maxSegmentRows) * numbersPerFrame,
  pages: maxPages,
});

const pages: SegmentRule = {
  id: 'segment.pages',
  doc: 'The pages announce at most 128 MiB each, 1 GiB in all, 4 MiB and 8 KiB a frame of text, and the values the footer speaks of.',
  waivable: false,
  check: (facts, type) => {
    const { form, pageProblem } = facts;
    // What the footer admits to already is said once.
    if (form !== 'parquet' || pageProblem === undefined || tooLarge.check(facts, type) !== undefined) return undefined;
    return about(pageProblem, 'pages within the limits');
  },
};

/** Bytes of one text, in UTF-8. */
export const maxTextBytes = 4096;
export const maxMediaBytes = 65_536;

const textLength: SegmentRule = {
  id: 'segment.text-length',
  doc: 'No text of an episode is longer than 4,096 bytes, its media no longer than 65,536.',
  waivable: false,
  check: ({ longText }) =>
    longText === undefined ? undefined : about(longText, `at most ${maxTextBytes} bytes, media ${maxMediaBytes}`),
};

/** Refused episodes of one segment, and of a batch, that are kept each alone. */
export const maxRefusedPerSegment = 1000;

const refusedEpisodes: SegmentRule = {
  id: 'segment.refused-episodes',
  doc: 'So few episodes are refused that each can be kept alone: at most 1,000 of a segment and 20,000 of a batch.',
  waivable: false,
  check: ({ refusedEpisodes: count }) =>
    count === undefined ? undefined : about(`${count} episodes refused`, `at most ${maxRefusedPerSegment}`),
};

const schemaVersion: SegmentRule = {
  id: 'segment.schema-version',
  doc: 'The footer carries a schema version that this program can read.',
  waivable: false,
  check: ({ form, footer }) => {
    if (form !== 'parquet') return undefined;
    const version = footer.schemaVersion;
    const isKnown =
      version !== undefined && Number.isInteger(version) && version >= 1 && version <= segmentSchemaVersion;
    return isKnown ? undefined : about(version ?? 'no schema version', `1 to ${segmentSchemaVersion}`);
  },
};

const columns: SegmentRule = {
  id: 'segment.columns',
  doc: 'Every column of the segment schema is there with its type; nullable ones may be missing.',
  waivable: false,
  check: ({ form, columnProblems }) =>
    form !== 'parquet' || columnProblems.length === 0
      ? undefined
      : about(columnProblems.join('; '), 'the columns of the segment schema'),
};

const empty: SegmentRule = {
  id: 'segment.empty',
  doc: 'A segment holds at least one frame.',
  waivable: false,
  check: ({ form, rows }) => (form === 'parquet' && rows === 0 ? about('0 frames', 'at least 1 frame') : undefined),
};

const robot: SegmentRule = {
  id: 'segment.robot',
  doc: 'The robot in the footer is the robot whose landing folder it lies in.',
  waivable: false,
  check: ({ form, footer, landingRobotId }) =>
    form !== 'parquet' || landingRobotId === undefined || footer.robotId === landingRobotId
      ? undefined
      : about(footer.robotId ?? 'no robot', landingRobotId),
};

const robotType: SegmentRule = {
  id: 'segment.robot-type',
  doc: 'The footer pins the very document of the robot type that this collection is about, by its digest.',
  waivable: false,
  check: ({ form, footer }, type) => {
    if (form !== 'parquet') return undefined;
    if (footer.robotType !== robotTypeName(type))
      return about(footer.robotType ?? 'no robot type', robotTypeName(type));
    const digests = digestsOf(type);
    if (footer.robotTypeDigest !== undefined && digests.includes(footer.robotTypeDigest)) return undefined;
    const document = robotTypeKey(type.id, type.version);
    return about(
      footer.robotTypeDigest ?? 'no digest',
      `${digests[0]}, the sha256 of ${document} as canonical JSON (RFC 8785)`,
    );
  },
};

/** One document, thousands of segments. */
const knownDigests = new WeakMap<RobotType, readonly string[]>();
function digestsOf(type: RobotType): readonly string[] {
  const digests = knownDigests.get(type) ?? acceptedDigests(type);
  knownDigests.set(type, digests);
  return digests;
}

const clockSkew: SegmentRule = {
  id: 'segment.clock-skew',
  doc: 'The footer says how far the robot’s clock is off, and that is at most 24 hours.',
  waivable: true,
  check: ({ form, footer }) => {
    if (form !== 'parquet') return undefined;
    const skewMs = footer.clockSkewMs;
    if (skewMs === undefined) return about('no clock skew', 'milliseconds, a number');
    return Math.abs(skewMs) <= maxClockSkewMs ? undefined : about(`${skewMs} ms`, `at most ${maxClockSkewMs} ms`);
  },
};

/** Of a segment that breaks one of these nobody knows, or wants to find out, which episodes are in it. */
export const cannotBeReadRules: ReadonlySet<string> = new Set(
  [unreadable, tooLarge, pages, textLength, columns].map(({ id }) => id),
);

/** Rules about a segment as a whole; one that breaks any is quarantined whole. */
export const segmentRules: readonly SegmentRule[] = [
  place,
  unreadable,
  tooLarge,
  pages,
  schemaVersion,
  columns,
  empty,
  robot,
  robotType,
  clockSkew,
  textLength,
  refusedEpisodes,
];
