import { passOf, type Pass } from './pass.ts';
import { problemOf, type Answer } from './reading.ts';

const answerWithinMs = 30_000;

/** What is no JSON is a refusal; a body that broke off, or was not waited for, is no answer. */
function notJson(error: unknown): null {
  if (error instanceof SyntaxError) return null;
  throw error;
}

type Fetch = (url: string, options: RequestInit) => Promise<Response>;

/** Asks the console for `path` in the name of who has `pass`. Whatever happens is an answer; it throws only when `signal` ends it. */
export async function ask<T>(
  path: string,
  pass: Pass,
  signal: AbortSignal,
  fetcher: Fetch = fetch,
): Promise<Answer<T>> {
  const { headers, credentials } = passOf(pass);
  try {
    return await answerOf<T>(
      await fetcher(path, {
        ...safely,
        credentials,
        headers: { ...headers, accept: 'application/json' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
      }),
    );
  } catch (error) {
    signal.throwIfAborted();
    return goneBy(error);
  }
}

/** Sends an act to the console. The same again has the same `key`: then it is done once. Whatever happens is an answer. */
export async function sendAct<T>(
  path: string,
  body: Readonly<Record<string, unknown>>,
  { key, token }: { readonly key: string; readonly token: Pass },
  fetcher: Fetch = fetch,
): Promise<Answer<T>> {
  const { headers: own, credentials } = passOf(token);
  const headers = {
    ...own,
    accept: 'application/json',
    'content-type': 'application/json',
    'idempotency-key': key,
  };
  const signal = AbortSignal.timeout(answerWithinMs);
  try {
    return await answerOf<T>(
      await fetcher(path, { ...safely, credentials, method: 'POST', headers, signal, body: JSON.stringify(body) }),
    );
  } catch (error) {
    return goneBy(error);
  }
}

/** Asks for bytes of a file, from `start` to before `end`; fewer come where the file ends before. */
export async function askBytes(
  path: string,
  pass: Pass,
  { start, end }: { readonly start: number; readonly end: number },
  signal: AbortSignal,
  fetcher: Fetch = fetch,
): Promise<Answer<Uint8Array<ArrayBuffer>>> {
  const { headers, credentials } = passOf(pass);
  try {
    const response = await fetcher(path, {
      ...safely,
      credentials,
      headers: { ...headers, range: `bytes=${start}-${end - 1}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
    });
    if (response.status !== 206) return problemOf(response.status, await response.json().catch(notJson));
    return { kind: 'read', data: new Uint8Array(await response.arrayBuffer()) };
  } catch (error) {
    signal.throwIfAborted();
    return goneBy(error);
  }
}

const safely = { redirect: 'error' } as const satisfies RequestInit;

async function answerOf<T>(response: Response): Promise<Answer<T>> {
  const body: unknown = await response.json().catch(notJson);
  if (!response.ok || body === null) return problemOf(response.status, body);
  return { kind: 'read', data: body as T };
}

const goneBy = (error: unknown): Answer<never> => ({
  kind: 'gone',
  message: error instanceof Error ? error.message : String(error),
});
