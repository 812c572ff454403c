import { boxesIn, boxHeader, need, onlyBox, tableOf, within, type Box } from './clip-boxes.ts';
import { ClipError, maxClipImages, maxClipSide, type ClipCodec } from './clip-format.ts';
import { samplesOf, type ClipSample } from './clip-samples.ts';

/** Bytes of a clip wherever they are. */
export interface ClipSource {
  readonly sizeBytes: number;
  /** The bytes from `start` to before `end`, both within the file. */
  readonly read: (start: number, end: number) => Promise<Uint8Array>;
}

export interface Clip {
  readonly codec: ClipCodec;
  /** Pixels of each image, as the file says: a decoder may find others. */
  readonly width: number;
  readonly height: number;
  /** What a decoder is set up by (the bodies of `avcC` and `av1C`); undefined: motion JPEG, which needs none, or a file without one that can be read. */
  readonly configuration: Uint8Array | undefined;
  /** In order of their times. */
  readonly samples: readonly ClipSample[];
}

/** Boxes beside each other in a file at most: a clip has four or five. */
const maxFileBoxes = 64;
/** Bytes of the table of images at most: 200,000 images take 6 MB of it in the widest writing. */
const maxTableBytes = 8 * 1024 * 1024;

/**
 * What an MP4 clip holds, from its table of images and without decoding any: at most 66 reads, 8 MiB of the file and some 40 MB of
 * memory whatever the file says. Throws ClipError for what is no clip of ours: damaged, cut off, in fragments, with several tracks, B-frames, an edit
 * list that shifts, parts in other files, more than 200,000 images or more than a day; what `source.read` throws passes.
 */
export async function readClip(source: ClipSource): Promise<Clip> {
  const movie = boxesIn(viewOf(await readMovie(source)));
  if (movie.some(({ name }) => name === 'mvex')) throw fragmented();
  const tracks = movie.filter(({ name }) => name === 'trak');
  if (tracks.length !== 1) throw new ClipError('unsupported', `expected one track, got ${tracks.length}`);
  const track = within(movie, 'trak');
  refuseShift(track);
  const media = within(track, 'mdia');
  if (kindOf(onlyBox(media, 'hdlr')) !== 'vide')
    throw new ClipError('unsupported', 'expected a track of images, got another kind');
  refuseOtherFiles(media);
  const table = within(media, 'minf', 'stbl');
  const samples = samplesOf(table, timescaleOf(onlyBox(media, 'mdhd')), source.sizeBytes);
  return { ...describedIn(onlyBox(table, 'stsd')), samples };
}

/** The body of the one box that describes the file, `moov`. */
async function readMovie(source: ClipSource): Promise<Uint8Array> {
  let found: { readonly start: number; readonly end: number } | undefined;
  let at = 0;
  for (let boxes = 0; at < source.sizeBytes; boxes += 1) {
    if (boxes === maxFileBoxes)
      throw new ClipError('damaged', `expected at most ${maxFileBoxes} boxes in a file, got more`);
    const header = await readExactly(source, at, Math.min(at + 16, source.sizeBytes));
    if (boxes === 0) refuseOtherFormats(header);
    const { name, headerBytes, sizeBytes } = boxHeader(viewOf(header), 0);
    const end = sizeBytes === 0 ? source.sizeBytes : at + sizeBytes;
    if (end > source.sizeBytes)
      throw new ClipError(
        'truncated',
        `expected ${end} bytes for the box "${printable(name)}", got ${source.sizeBytes}`,
      );
    if (name === 'moof') throw fragmented();
    if (name === 'moov') {
      if (found !== undefined) throw new ClipError('damaged', 'expected one box "moov", got two');
      found = { start: at + headerBytes, end };
    }
    at = end;
  }
  if (found === undefined) throw new ClipError('truncated', 'expected a box "moov" with the table of images, got none');
  if (found.end - found.start > maxTableBytes)
    throw new ClipError(
      'tooLarge',
      `expected a table of at most ${maxTableBytes} bytes, got ${found.end - found.start}`,
    );
  return readExactly(source, found.start, found.end);
}

async function readExactly(source: ClipSource, start: number, end: number): Promise<Uint8Array> {
  const bytes = await source.read(start, end);
  if (bytes.length !== end - start)
    throw new ClipError('truncated', `expected ${end - start} bytes at ${start}, got ${bytes.length}`);
  return bytes;
}

/** What lies around under the name of a clip: nothing, or the pointer that git leaves instead of a large file. */
function refuseOtherFormats(head: Uint8Array): void {
  const text = String.fromCharCode(...head);
  if (text.startsWith('version https:/'))
    throw new ClipError(
      'notMp4',
      'expected an MP4 file, got a pointer of Git LFS: fetch the file itself (git lfs pull)',
    );
  if (text.slice(4, 8) !== 'ftyp')
    throw new ClipError('notMp4', 'expected an MP4 file (a box "ftyp" first), got another');
}

/** An edit list that plays the track once from its start changes nothing; others would move or cut the times. */
function refuseShift(track: readonly Box[]): void {
  if (!track.some(({ name }) => name === 'edts')) return;
  const list = onlyBox(within(track, 'edts'), 'elst');
  need(list, 0, 1);
  const isWide = list.getUint8(0) === 1;
  const { count, start } = tableOf(list, { countAt: 4, entryBytes: isWide ? 20 : 12, most: 1, what: 'edits' });
  if (count === 0) return;
  const time = isWide ? list.getBigInt64(start + 8) : BigInt(list.getInt32(start + 4));
  const rate = list.getInt32(start + (isWide ? 16 : 8));
  if (time !== 0n || rate !== 0x1_0000)
    throw new ClipError('unsupported', `expected times without an edit list, got one that starts at ${time}`);
}

/** A part of a clip in another file would be a way to read this machine's files. */
function refuseOtherFiles(media: readonly Box[]): void {
  const references = onlyBox(within(media, 'minf', 'dinf'), 'dref');
  need(references, 0, 8);
  const entries = boxesIn(references, 8);
  const isWithin =
    entries.length === 1 && entries.every(({ body }) => body.byteLength >= 4 && (body.getUint32(0) & 1) === 1);
  if (!isWithin) throw new ClipError('unsupported', 'expected images in the file itself, got a reference to others');
}

function kindOf(handler: DataView): string {
  need(handler, 8, 4);
  return nameAt(handler, 8);
}

function timescaleOf(header: DataView): number {
  need(header, 0, 1);
  const at = header.getUint8(0) === 1 ? 20 : 12;
  need(header, at, 4);
  const timescale = header.getUint32(at);
  if (timescale === 0) throw new ClipError('damaged', 'expected times in units of a part of a second, got 0 a second');
  return timescale;
}

const codecs: ReadonlyMap<string, ClipCodec> = new Map([
  ['jpeg', 'jpeg'],
  ['avc1', 'h264'],
  ['avc3', 'h264'],
  ['av01', 'av1'],
]);

/** Codec and size from the one entry of the table of descriptions. */
function describedIn(descriptions: DataView): Omit<Clip, 'samples'> {
  const { count } = tableOf(descriptions, { countAt: 4, entryBytes: 8, most: maxClipImages, what: 'descriptions' });
  const [entry] = boxesIn(descriptions, 8);
  if (count !== 1 || entry === undefined)
    throw new ClipError('unsupported', `expected one description of all images, got ${count}`);
  need(entry.body, 0, 78);
  const [width, height] = [entry.body.getUint16(24), entry.body.getUint16(26)];
  if (width === 0 || height === 0 || width > maxClipSide || height > maxClipSide)
    throw new ClipError('tooLarge', `expected sides of 1 to ${maxClipSide} pixels, got ${width}×${height}`);
  const codec = entry.name === 'mp4v' ? mpegCodec(entry.body) : codecs.get(entry.name);
  if (codec === undefined)
    throw new ClipError('unsupported', `expected motion JPEG, H.264 or AV1, got the codec "${printable(entry.name)}"`);
  return { codec, width, height, configuration: configurationOf(entry.body, codec) };
}

/** Bytes of a decoder's configuration at most: what Flywheel writes has some forty. */
const maxConfigurationBytes = 4096;

/** Nothing but a player needs it: a clip is none the worse for one that cannot be read. */
function configurationOf(entry: DataView, codec: ClipCodec): Uint8Array | undefined {
  if (codec === 'jpeg') return undefined;
  try {
    const { buffer, byteOffset, byteLength } = onlyBox(boxesIn(entry, 78), codec === 'h264' ? 'avcC' : 'av1C');
    return byteLength > maxConfigurationBytes ? undefined : new Uint8Array(buffer, byteOffset, byteLength).slice();
  } catch (error) {
    if (error instanceof ClipError) return undefined;
    throw error;
  }
}

/** An MPEG-4 entry says its codec as an object type within nested descriptors; 0x6C is JPEG. */
function mpegCodec(entry: DataView): ClipCodec | undefined {
  const esds = onlyBox(boxesIn(entry, 78), 'esds');
  const stream = descriptorBody(esds, 4, 3);
  need(esds, stream, 3);
  // Without the optional fields, whose flags are the upper bits; a writer of motion JPEG has none of them.
  if ((esds.getUint8(stream + 2) & 0xe0) !== 0) return undefined;
  const decoder = descriptorBody(esds, stream + 3, 4);
  need(esds, decoder, 1);
  return esds.getUint8(decoder) === 0x6c ? 'jpeg' : undefined;
}

/** Where the body of a descriptor starts: after its tag and a length of one to four bytes. */
function descriptorBody(view: DataView, at: number, tag: number): number {
  need(view, at, 1);
  if (view.getUint8(at) !== tag)
    throw new ClipError('damaged', `expected descriptor ${tag}, got another (a box "esds")`);
  for (let next = at + 1; next < at + 5; next += 1) {
    need(view, next, 1);
    if ((view.getUint8(next) & 0x80) === 0) return next + 1;
  }
  throw new ClipError('damaged', 'expected a length of at most four bytes, got more (a box "esds")');
}

function nameAt(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}

/** A name from outside, fit for a sentence. */
function printable(name: string): string {
  return name.replaceAll(/[^\w ]/g, '?');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fragmented(): ClipError {
  return new ClipError(
    'unsupported',
    'expected one table of all images, got a file in fragments (written with "-movflags frag…"): write it without',
  );
}
