import { passOf, type Pass } from './pass.ts';

/** What the console says of changes: something of `topic` is to be read anew. */
export interface Change {
  readonly topic: string;
}

const longestLine = 65_536;

/** Takes server-sent events in pieces as they come, and gives the changes that are whole; comments and what it does not know it leaves out. */
export class ChangeParser {
  #rest = '';
  #event = '';
  #data = '';

  take(text: string): readonly Change[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-longestLine);
    return lines.flatMap((line) => this.#line(line.replace(/\r$/, '')));
  }

  #line(line: string): readonly Change[] {
    if (line.startsWith('event: ')) this.#event = line.slice(7);
    else if (line.startsWith('data: ')) this.#data += line.slice(6);
    if (line !== '') return [];
    const [event, data] = [this.#event, this.#data];
    this.#event = this.#data = '';
    const topic = event === 'change' ? topicOf(data) : undefined;
    return topic === undefined ? [] : [{ topic }];
  }
}

function topicOf(data: string): string | undefined {
  try {
    const { topic } = JSON.parse(data) as { topic?: unknown };
    return typeof topic === 'string' ? topic : undefined;
  } catch {
    return undefined;
  }
}

/** The console beats every 15 s: after two beats that did not come it is gone. */
const silentAfterMs = 40_000;
const againAfterMs = 5_000;

interface Listening {
  readonly path: string;
  readonly token: Pass;
  readonly signal: AbortSignal;
  readonly onChange: (change: Change) => void;
  readonly onLink: (isLinked: boolean) => void;
}

/** Listens until `signal` ends it, again and again; says whether the console is there. */
export async function listen({ path, token, signal, onChange, onLink }: Listening): Promise<void> {
  while (!signal.aborted) {
    try {
      await listenOnce({ path, token, signal, onChange, onLink });
    } catch {
      // It is asked again in a moment, and said until then.
    }
    if (signal.aborted) return;
    onLink(false);
    await new Promise((resolve) => setTimeout(resolve, againAfterMs));
  }
}

async function listenOnce({ path, token, signal, onChange, onLink }: Listening): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silentAfterMs);
  try {
    const { headers, credentials } = passOf(token);
    const response = await fetch(path, {
      headers: { ...headers, accept: 'text/event-stream' },
      signal: AbortSignal.any([signal, silence.signal]),
      credentials,
    });
    const reader = response.ok ? response.body?.pipeThrough(new TextDecoderStream()).getReader() : undefined;
    if (reader === undefined) return;
    onLink(true);
    const parser = new ChangeParser();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silentAfterMs);
      for (const change of parser.take(piece.value)) onChange(change);
    }
  } finally {
    clearTimeout(timer);
  }
}
