import { z } from 'zod';

import { outcomes } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { dictionary } from '../../domain/dictionary.ts';
import type { Agent } from './agent-api.ts';
import { takeImageFile } from './images/handed-image.ts';
import type { FrameLoss } from './robot-side.ts';
import { shownImage } from './images/shown-image.ts';

const numbers = z.array(z.number()).max(1024);
const frame = {
  observation: numbers,
  action: numbers,
  latencyMs: z.number().min(0).optional(),
  decodingMs: z.number().min(0).optional(),
  atUs: z.int().min(0).optional(),
};
/** Comes back with the answer; a line without it gets an answer only when it fails. */
const id = z.union([z.string().max(100), z.number()]).optional();

/** An image within a line is base64 of at most so many bytes; larger ones come as files. */
const mostInlineBytes = 1024 * 1024;
const mostBase64Length = Math.ceil(mostInlineBytes / 3) * 4;
/** A longer line is refused unread: one with images of 8 cameras is shorter. */
export const mostLineBytes = 8 * mostBase64Length + 256 * 1024;

/** An image of a camera: base64 of its bytes, or the name of a file in the folder that the agent was told, which it reads and deletes. */
const image = {
  camera: z.string().max(63),
  base64: z
    .string()
    .max(mostBase64Length, `expected at most ${mostInlineBytes} bytes as base64; larger images come as files`)
    .optional(),
  file: z.string().max(200).optional(),
};

/** What a robot program in any language may write, one JSON object a line. */
export const lineSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('beginEpisode'), id, task: z.string().optional() }),
  z.strictObject({ do: z.literal('record'), id, ...frame }),
  z.strictObject({ do: z.literal('correct'), id, ...frame, expertAction: numbers }),
  z.strictObject({ do: z.literal('recordImage'), id, ...image, atUs: z.int().min(0).optional() }),
  z.strictObject({ do: z.literal('intervene'), id }),
  z.strictObject({ do: z.literal('safetyEvent'), id, kind: z.string().max(1_000) }),
  z.strictObject({
    do: z.literal('endEpisode'),
    id,
    outcome: z.enum(outcomes),
    reason: z.string().max(100).optional(),
  }),
  z.strictObject({
    do: z.literal('decide'),
    id,
    observation: numbers,
    task: z.string().optional(),
    images: z.array(z.strictObject(image)).max(8).optional(),
  }),
  z.strictObject({ do: z.literal('idle'), id }),
  z.strictObject({ do: z.literal('busy'), id }),
  z.strictObject({ do: z.literal('status'), id }),
  /** Answer to the event `safeStop`, with its number; without one, of a program of before, to the last. */
  z.strictObject({ do: z.literal('stopped'), id, stop: z.int().min(0).optional() }),
]);
export type Line = z.infer<typeof lineSchema>;

export interface LineProtocol {
  /** For the agent's `onSafeStop`: asks the program and waits for its `stopped`. */
  readonly onSafeStop: () => Promise<void>;
  /** Obeys one line; what goes back is one line too. Lines are obeyed in the order they come. */
  handle(agent: Agent, text: string): Promise<void>;
  /** Answers a line that was longer than `mostLineBytes`. */
  tooLong(): void;
}

export interface LineProtocolOptions {
  readonly robotType: RobotType;
  /** Where the robot's program may leave images as files; undefined: it may not. */
  readonly imageFolder?: string | undefined;
  readonly maxImageBytes: number;
}

/** Lets a program that is no Node program use an agent over two pipes. */
export function createLineProtocol(write: (line: string) => void, options: LineProtocolOptions): LineProtocol {
  let stop: { readonly number: number; readonly isAnswered: () => void } | undefined;
  let stops = 0;
  /** An answer that comes too late must not be taken for that to the next order. */
  function answered(number: number | undefined): void {
    if (number !== undefined && number !== stop?.number)
      throw new Error(`expected the answer to safe stop ${stop?.number ?? 'none'}, got that to ${number}`);
    stop?.isAnswered();
  }
  const say = (message: Readonly<Record<string, unknown>>): void => write(JSON.stringify(message));
  return {
    onSafeStop() {
      const number = (stops += 1);
      const isStopped = new Promise<void>((resolve) => {
        stop = { number, isAnswered: resolve };
      });
      say({ event: 'safeStop', stop: number });
      return isStopped;
    },
    async handle(agent, text) {
      let line: Line | undefined;
      try {
        const parsed = lineSchema.safeParse(JSON.parse(text));
        if (!parsed.success) throw new TypeError(z.prettifyError(parsed.error));
        line = parsed.data;
        if (line.do === 'stopped') answered(line.stop);
        const result = await obey(agent, line, options);
        if (line.id !== undefined) say({ id: line.id, result: result ?? null });
      } catch (error) {
        say({ id: line?.id ?? null, error: error instanceof Error ? error.message : String(error) });
      }
    },
    tooLong: () => say({ id: null, error: `expected a line of at most ${mostLineBytes} bytes, got a longer one` }),
  };
}

async function obey(agent: Agent, line: Line, options: LineProtocolOptions): Promise<unknown> {
  switch (line.do) {
    case 'beginEpisode':
      return agent.beginEpisode(line.task === undefined ? {} : { task: line.task });
    case 'record':
      return orLost(agent.record(frameOf(line)));
    case 'correct':
      return orLost(agent.correct(frameOf(line), line.expertAction));
    case 'recordImage':
      return agent.recordImage(line.camera, bytesOf(line, options), line.atUs);
    case 'intervene':
      return orLost(agent.intervene());
    case 'safetyEvent':
      return agent.safetyEvent(line.kind);
    case 'endEpisode':
      return agent.endEpisode(line.outcome, line.reason === undefined ? {} : { reason: line.reason });
    case 'decide': {
      // Files are taken whether anything acts or not.
      const images = dictionary(
        (line.images ?? []).map((each) => [
          each.camera,
          shownImage(options.robotType, each.camera, bytesOf(each, options)),
        ]),
      );
      const policy = agent.policy();
      if (policy === undefined) return null;
      return { version: policy.version, ...(await policy.decide(line.observation, line.task, images)) };
    }
    case 'idle':
      return agent.idle();
    case 'busy':
      return agent.busy();
    case 'status':
      return agent.status();
    case 'stopped':
      return undefined;
  }
}

const whyLost: Readonly<Record<FrameLoss, string>> = {
  episodeEnded: 'the frame is discarded: the agent has ended its episode as aborted; begin another one',
  notWritten: 'the frame is lost: the disk did not take it',
};

/** What is not kept is not acknowledged. */
function orLost(loss: FrameLoss | undefined): undefined {
  if (loss !== undefined) throw new Error(whyLost[loss]);
}

function bytesOf(
  { base64, file }: { readonly base64?: string | undefined; readonly file?: string | undefined },
  { imageFolder, maxImageBytes }: LineProtocolOptions,
): Uint8Array {
  if ((base64 === undefined) === (file === undefined)) throw new TypeError('expected an image as base64 or as file');
  if (file !== undefined) return takeImageFile(imageFolder, file, maxImageBytes);
  return Buffer.from(base64 ?? '', 'base64');
}

const frameOf = ({
  observation,
  action,
  latencyMs,
  decodingMs,
  atUs,
}: Extract<Line, { do: 'record' | 'correct' }>) => ({
  observation,
  action,
  ...(latencyMs === undefined ? {} : { latencyMs }),
  ...(decodingMs === undefined ? {} : { decodingMs }),
  ...(atUs === undefined ? {} : { atUs }),
});
