import { createHash } from 'node:crypto';

import { z } from 'zod';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { scopeText } from '../../domain/legal-hold.ts';
import type { Signer } from '../../policies/signer.ts';
import type { Clock } from '../../store/clock.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { erasureDocument, readErasedEpisodes, readErasureRequest } from '../../store/records/erasures.ts';
import { checkedDocument } from './check-erased.ts';
import { foundDocument } from './found.ts';

const count = z.int().min(0);
const certificateSchema = z.strictObject({
  certificate: z.strictObject({
    erasureId: z.string(),
    target: z.string(),
    recordedBeforeMs: z.int(),
    who: z.string(),
    why: z.string(),
    requestedMs: z.int(),
    finishedMs: z.int(),
    erased: z.strictObject({
      episodes: count,
      frames: count,
      lakeFiles: count,
      segments: count,
      telemetryEntries: count,
      setFiles: count,
      documents: count,
      /** Records of whose clips are; certificates of earlier versions have none. */
      clips: count.exactOptional(),
    }),
    /** sha256 over the sorted digests of the episodes: names them without telling them. */
    episodesDigest: z.string(),
    distinctEpisodes: count,
    /** Episodes that another robot or site has under the same id: frames under it, and what names it, are as they were. */
    claimedByOthers: count.exactOptional(),
    /** How many objects the independent reader looked at; it found nothing. */
    checkedObjects: count,
    unreadable: z.array(z.string()),
    /** Words of people and signed documents that name an episode: they are as they were. */
    namedIn: z.array(z.string()).exactOptional(),
    /** What goes by itself after this: see {@link stillToCome}. Certificates of earlier versions do not say. */
    stillToCome: z.strictObject({ lateTelemetry: z.literal('hourly'), deadWorkersUntilMs: z.int() }).exactOptional(),
    /** Versions that may have learned from it; their weights are as they were. */
    models: z.array(z.strictObject({ policy: z.string(), version: z.string() })),
  }),
  signature: z.strictObject({ algorithm: z.literal('Ed25519'), publicKeyId: z.string(), value: z.string() }),
});
export type ErasureCertificate = z.infer<typeof certificateSchema>['certificate'];

export const certificateDocument = (store: ObjectStore, erasureId: string) =>
  erasureDocument(store, erasureId, 'certificate.json', certificateSchema);

/** Signs off what was erased: counts and digests, not the data. `Conflict` unless it was checked. Idempotent by erasure: the first one stays. */
export const certifyErasure =
  (ports: { readonly store: ObjectStore; readonly clock: Clock; readonly signer: Signer }) =>
  async ({
    erasureId,
    passes,
  }: {
    readonly erasureId: string;
    readonly passes: number;
  }): Promise<ErasureCertificate> => {
    const { store, clock, signer } = ports;
    const document = certificateDocument(store, erasureId);
    const known = await document.read();
    if (known !== undefined) return known.certificate;
    const request = await readErasureRequest(store, erasureId);
    const checked = await checkedDocument(store, erasureId).read();
    if (checked === undefined) throw failure('Conflict', `expected erasure ${erasureId} to be checked, it is not`);
    const hashes = [...(await readErasedEpisodes(store, erasureId))].toSorted();
    const certificate = {
      erasureId,
      target: scopeText(request.target),
      recordedBeforeMs: request.recordedBeforeMs,
      who: request.who,
      why: request.why,
      requestedMs: request.atMs,
      finishedMs: clock(),
      erased: await sums(store, erasureId, passes),
      episodesDigest: createHash('sha256').update(hashes.join('\n')).digest('hex'),
      distinctEpisodes: hashes.length,
      ...(await claimedByOthers(store, erasureId, passes)),
      checkedObjects: checked.objects,
      unreadable: checked.unreadable,
      ...(checked.namedIn === undefined ? {} : { namedIn: checked.namedIn }),
      stillToCome: stillToCome(clock()),
      models: checked.models,
    };
    const value = signer.sign(new TextEncoder().encode(canonicalJson(certificate)));
    const signature = { algorithm: 'Ed25519' as const, publicKeyId: signer.publicKeyId, value };
    return (await document.write({ certificate, signature })).certificate;
  };

/** Two days: what lies untouched for one, in sweeps of an hour, by workers that may be started again. */
const leftoversGoneWithinMs = 48 * 3_600_000;

/**
 * What robots tell late of the time before the request leaves telemetry at the sweep after its hour; files that workers which died left in
 * their scratch folders, or unfinished in the store, go when nobody touched them for a day.
 */
const stillToCome = (nowMs: number) => ({
  lateTelemetry: 'hourly' as const,
  deadWorkersUntilMs: nowMs + leftoversGoneWithinMs,
});

async function claimedByOthers(
  store: ObjectStore,
  erasureId: string,
  passes: number,
): Promise<Pick<ErasureCertificate, 'claimedByOthers'>> {
  let most = 0;
  for (let pass = 1; pass <= passes; pass += 1)
    most = Math.max(most, (await foundDocument(store, erasureId, pass).read())?.claimedByOthers ?? 0);
  return most === 0 ? {} : { claimedByOthers: most };
}

async function sums(store: ObjectStore, erasureId: string, passes: number): Promise<ErasureCertificate['erased']> {
  const total = {
    episodes: 0,
    frames: 0,
    lakeFiles: 0,
    segments: 0,
    telemetryEntries: 0,
    setFiles: 0,
    documents: 0,
    clips: 0,
  };
  for (let pass = 1; pass <= passes; pass += 1) {
    const found = await foundDocument(store, erasureId, pass).read();
    if (found === undefined) continue;
    total.episodes += found.episodes;
    total.frames += found.frames;
    total.lakeFiles += found.lakeFiles.length;
    total.segments += found.segments.length;
    total.telemetryEntries += found.telemetry.reduce((sum, { entries }) => sum + entries, 0);
    total.setFiles += found.sets.length;
    total.clips += found.media?.uses.length ?? 0;
    total.documents += found.texts.length + found.sums.length;
  }
  return total;
}
