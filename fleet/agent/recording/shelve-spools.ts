import type { Dating, Stamp } from '../local/dating.ts';
import type { EpisodeImages } from '../images/episode-images.ts';
import { latestMsOf, makeSegments, type MakeSegmentsPorts } from './make-segments.ts';
import { shiftUs } from './segment-rows.ts';
import type { SegmentShelf } from './segment-shelf.ts';
import type { RecordOf } from './spool-record.ts';
import type { SpoolContent } from './spooled-episodes.ts';
import type { Spooler } from './spooler.ts';
import type { TelemetryQueue } from './telemetry-queue.ts';

interface ShelverPorts extends Omit<MakeSegmentsPorts, 'directory'> {
  readonly agentVersion: string;
  /** Where the robot works, as a gateway told; undefined before the first contact ever. */
  readonly site: () => string | undefined;
  readonly skewMs: () => number | undefined;
  readonly datingOf: (stamp: Stamp) => Dating;
  readonly log: (line: string) => void;
  readonly segmentsDirectory: string;
  readonly spooler: Pick<Spooler, 'finished' | 'content' | 'seal' | 'remove'>;
  readonly telemetry: Pick<TelemetryQueue, 'carry'>;
  readonly shelf: Pick<SegmentShelf, 'add'>;
  readonly images: Pick<EpisodeImages, 'isPending' | 'clipsOf' | 'shelf'>;
}

/** Makes segments of every finished spool that can be closed by now. */
export function spoolShelver(ports: ShelverPorts): () => Promise<void> {
  const unreadable = new Set<string>();
  // Episodes of spools that were read and wait for clips: a finished spool does not change, and is not read again only to wait on.
  const waiting = new Map<string, readonly string[]>();
  return async () => {
    for (const number of ports.spooler.finished())
      if (!unreadable.has(number) && !waiting.get(number)?.some(ports.images.isPending))
        try {
          waiting.delete(number);
          const episodes = await shelve(ports, number);
          if (episodes.length > 0) waiting.set(number, episodes);
        } catch (cause) {
          // It must not hold up the others, and stays on the disk for a person to look at.
          if (!(cause instanceof TypeError)) throw cause;
          unreadable.add(number);
          ports.log(`a spool cannot be made a segment and stays as it is: ${cause.message} [spool=${number}]`);
        }
  };
}

/** Makes segments of one finished spool, carries its telemetry on, then lets it go. Gives the episodes of one that waits for clips. */
async function shelve(ports: ShelverPorts, number: string): Promise<readonly string[]> {
  const { spooler, telemetry, shelf, at, segmentsDirectory } = ports;
  const open = await spooler.content(number);
  // A segment names the clips of its episodes: they come first.
  const episodes = open.episodes.map(({ begin }) => begin.episodeId);
  if (open.seal === undefined && episodes.some(ports.images.isPending)) return episodes;
  const seal = open.seal ?? sealFor(ports, open);
  if (seal === undefined) return [];
  const content = await spooler.seal(number, [...clipsFor(ports, open), seal]);
  at('spool.sealed');
  const made = await makeSegments({ ...ports, directory: segmentsDirectory }, number, content);
  await releaseClips(ports, content);
  await telemetry.carry(number, content.entries);
  at('telemetry.carried');
  await spooler.remove(number);
  at('spool.removed');
  for (const segment of made) shelf.add(segment);
  return [];
}

/** Which clips the segments will name, whatever becomes of them. */
const clipsFor = ({ images }: ShelverPorts, { episodes }: SpoolContent): readonly RecordOf<'clips'>[] =>
  episodes.flatMap(({ begin: { episodeId } }) => {
    const clips = images
      .clipsOf(episodeId)
      .map(({ camera, sha256, startedAtUs, durationMs }) => ({ camera, sha256, startedAtUs, durationMs }));
    return clips.length === 0 ? [] : [{ kind: 'clips', episodeId, clips }];
  });

/** The clips that the segments name may be uploaded from now on. */
async function releaseClips({ images, at }: ShelverPorts, { episodes, clips, seal }: SpoolContent): Promise<void> {
  if (seal === undefined || clips.size === 0) return;
  const latestMs = latestMsOf(episodes);
  for (const { begin } of episodes)
    if (clips.has(begin.episodeId)) await images.shelf.release(begin.episodeId, shiftUs(begin, seal, latestMs));
  await images.shelf.sync();
  at('clip.released');
}

/** What closes a finished spool; undefined while nobody has told where the robot works or what time it is, and somebody may. */
function sealFor(ports: ShelverPorts, { episodes: [first] }: SpoolContent): RecordOf<'seal'> | undefined {
  const site = ports.site();
  const skewMs = ports.skewMs();
  const seal = { kind: 'seal', agentVersion: ports.agentVersion, site: site ?? '', skewMs: skewMs ?? 0 } as const;
  if (first === undefined) return seal;
  if (site === undefined) return undefined;
  const { stamp } = first.begin;
  if (stamp === undefined) return skewMs === undefined ? undefined : seal;
  const dating = ports.datingOf(stamp);
  return dating.kind === 'later' ? undefined : { ...seal, dating };
}
