import { tasksAnswerSchema, tasksSeqIn, wireHeaders } from '../../protocol/index.ts';
import { GatewayError, type GatewayClient } from '../gateway-client.ts';
import { readJson, replaceJson } from '../local/durable-files.ts';

export interface ToldTasksPorts {
  readonly gateway: Pick<GatewayClient, 'tasks'>;
  readonly file: string;
  /** Something new is to be fetched. */
  readonly onNews: () => void;
  readonly log: (line: string) => void;
}

/**
 * What gateways say this robot may be asked to do: enough to record it, never to act on it. Kept on the disk, because a robot records
 * without a gateway too.
 */
export interface ToldTasks {
  readonly has: (task: string) => boolean;
  /** A gateway has answered; what it names as new is fetched by `fetch`. */
  heard(headers: Headers): void;
  /** Fetches what is new, or does nothing. When to come again, ms. */
  fetch(): Promise<number>;
}

const untilRung = 3_600_000;

export async function openToldTasks({ gateway, file, onNews, log }: ToldTasksPorts): Promise<ToldTasks> {
  let told = await readJson(file, tasksAnswerSchema, log);
  let ids: ReadonlySet<string> = new Set(told?.tasks);
  let isNews = false;
  return {
    has: (task) => ids.has(task),
    // Whatever differs is fetched, also what looks older: a gateway that lied once cannot keep the truth away for good.
    heard(headers) {
      const seq = tasksSeqIn(headers.get(wireHeaders.tasksSeq));
      if (seq === undefined || seq === told?.seq) return;
      isNews = true;
      onNews();
    },
    async fetch() {
      if (!isNews) return untilRung;
      try {
        const { body } = await gateway.tasks();
        told = body;
        ids = new Set(body.tasks);
        isNews = false;
        await replaceJson(file, body);
      } catch (cause) {
        // A gateway that does not know the path will not know it in a second either.
        if (!(cause instanceof GatewayError) || cause.status !== 404) throw cause;
        isNews = false;
      }
      return untilRung;
    },
  };
}
