import { z } from 'zod';

import { outcomes } from '../../datasets/columns.ts';
import type { Agent } from './agent-api.ts';

const numbers = z.array(z.number()).max(1024);
const frame = {
  observation: numbers,
  action: numbers,
  latencyMs: z.number().min(0).optional(),
  atUs: z.int().min(0).optional(),
};
/** Comes back with the answer; a line without it gets an answer only when it fails. */
const id = z.union([z.string().max(100), z.number()]).optional();

/** What a robot program in any language may write, one JSON object a line. */
export const lineSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('beginEpisode'), id, task: z.string().optional() }),
  z.strictObject({ do: z.literal('record'), id, ...frame }),
  z.strictObject({ do: z.literal('correct'), id, ...frame, expertAction: numbers }),
  z.strictObject({ do: z.literal('intervene'), id }),
  z.strictObject({ do: z.literal('safetyEvent'), id, kind: z.string().max(1_000) }),
  z.strictObject({
    do: z.literal('endEpisode'),
    id,
    outcome: z.enum(outcomes),
    reason: z.string().max(100).optional(),
  }),
  z.strictObject({ do: z.literal('decide'), id, observation: numbers, task: z.string().optional() }),
  z.strictObject({ do: z.literal('idle'), id }),
  z.strictObject({ do: z.literal('busy'), id }),
  z.strictObject({ do: z.literal('status'), id }),
  /** Answer to the event `safeStop`. */
  z.strictObject({ do: z.literal('stopped'), id }),
]);
export type Line = z.infer<typeof lineSchema>;

export interface LineProtocol {
  /** For the agent's `onSafeStop`: asks the program and waits for its `stopped`. */
  readonly onSafeStop: () => Promise<void>;
  /** Obeys one line; what goes back is one line too. Lines are obeyed in the order they come. */
  handle(agent: Agent, text: string): Promise<void>;
}

/** Lets a program that is no Node program use an agent over two pipes. */
export function createLineProtocol(write: (line: string) => void): LineProtocol {
  let stopped: (() => void) | undefined;
  const say = (message: Readonly<Record<string, unknown>>): void => write(JSON.stringify(message));
  return {
    onSafeStop() {
      const isStopped = new Promise<void>((resolve) => {
        stopped = resolve;
      });
      say({ event: 'safeStop' });
      return isStopped;
    },
    async handle(agent, text) {
      let line: Line | undefined;
      try {
        const parsed = lineSchema.safeParse(JSON.parse(text));
        if (!parsed.success) throw new TypeError(z.prettifyError(parsed.error));
        line = parsed.data;
        if (line.do === 'stopped') stopped?.();
        const result = await obey(agent, line);
        if (line.id !== undefined) say({ id: line.id, result: result ?? null });
      } catch (error) {
        say({ id: line?.id ?? null, error: error instanceof Error ? error.message : String(error) });
      }
    },
  };
}

async function obey(agent: Agent, line: Line): Promise<unknown> {
  switch (line.do) {
    case 'beginEpisode':
      return agent.beginEpisode(line.task === undefined ? {} : { task: line.task });
    case 'record':
      return agent.record(frameOf(line));
    case 'correct':
      return agent.correct(frameOf(line), line.expertAction);
    case 'intervene':
      return agent.intervene();
    case 'safetyEvent':
      return agent.safetyEvent(line.kind);
    case 'endEpisode':
      return agent.endEpisode(line.outcome, line.reason === undefined ? {} : { reason: line.reason });
    case 'decide': {
      const policy = agent.policy();
      if (policy === undefined) return null;
      return { version: policy.version, ...(await policy.decide(line.observation, line.task)) };
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

const frameOf = ({ observation, action, latencyMs, atUs }: Extract<Line, { do: 'record' | 'correct' }>) => ({
  observation,
  action,
  ...(latencyMs === undefined ? {} : { latencyMs }),
  ...(atUs === undefined ? {} : { atUs }),
});
