import type { CollectionSection, MixSection } from './cycle-report.ts';
import { count } from './report-parts.ts';

/** What came of clips of cameras, in one line. */
export function clipsText(clips: NonNullable<CollectionSection['clips']>): string {
  return (
    `${count(clips.accepted)} accepted, ${count(clips.refused)} refused, ${count(clips.awaited)} not come, ${count(clips.notJudged)} not judged for want of a decoder; ` +
    `${count(clips.withoutEpisode)} come without an episode (all robots)`
  );
}

const lossWords: Readonly<Record<string, string>> = {
  noClip: 'of episodes without a clip',
  clipMissing: 'whose clip has not come or was not judged',
  clipRefused: 'whose clip was refused',
  noImage: 'without a recent image',
};

/** `front; left out: 120 frames without a recent image (3 episodes)` */
export function imagesText({ cameras, leftOut }: NonNullable<MixSection['images']>): string {
  const lost = leftOut.map(
    ({ reason, frames, episodes }) =>
      `${count(frames)} frames ${lossWords[reason] ?? reason} (${count(episodes)} episodes)`,
  );
  return `${cameras.map(({ name }) => name).join(', ')}; left out: ${lost.join(', ') || 'nothing'}`;
}
