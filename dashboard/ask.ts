import { problemOf, type Answer } from './reading.ts';

const answerWithinMs = 30_000;

/** What is no JSON is a refusal; a body that broke off, or was not waited for, is no answer. */
function notJson(error: unknown): null {
  if (error instanceof SyntaxError) return null;
  throw error;
}

type Fetch = (url: string, options: RequestInit) => Promise<Response>;

/** Asks the console for `path` in the name of who has `token`. Whatever happens is an answer; it throws only when `signal` ends it. */
export async function ask<T>(
  path: string,
  token: string,
  signal: AbortSignal,
  fetcher: Fetch = fetch,
): Promise<Answer<T>> {
  try {
    const response = await fetcher(path, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
      credentials: 'omit',
      redirect: 'error',
    });
    const body: unknown = await response.json().catch(notJson);
    if (!response.ok || body === null) return problemOf(response.status, body);
    return { kind: 'read', data: body as T };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'gone', message: error instanceof Error ? error.message : String(error) };
  }
}
