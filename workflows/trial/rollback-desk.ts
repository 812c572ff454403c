import type { RollbackAnswer, RollbackRecord, RollbackRequest } from './messages.ts';

/** Requests that are remembered; of more the oldest are forgotten. */
const mostRecords = 20;

/**
 * Requests for a rollback of one policy, each with what became of it. Handlers put requests in, the workflow decides on one
 * after the other; asking again with the same `requestId` changes nothing.
 */
export class RollbackDesk {
  readonly #inbox: RollbackRequest[] = [];
  readonly #answers = new Map<string, RollbackAnswer | Error>();
  readonly #known: Set<string>;
  #records: RollbackRecord[];

  constructor(records: readonly RollbackRecord[] = []) {
    this.#records = [...records];
    for (const { requestId, answer } of records) this.#answers.set(requestId, answer);
    this.#known = new Set(this.#answers.keys());
  }

  get hasNew(): boolean {
    return this.#inbox.length > 0;
  }

  get records(): readonly RollbackRecord[] {
    return this.#records;
  }

  ask(request: RollbackRequest): void {
    if (this.#known.has(request.requestId)) return;
    this.#known.add(request.requestId);
    this.#inbox.push(request);
  }

  take(): RollbackRequest | undefined {
    return this.#inbox.shift();
  }

  /** What a request became; a later answer replaces an earlier one in the record, whoever asked hears the first. */
  answer(request: RollbackRequest, answer: RollbackAnswer): void {
    this.#answers.set(request.requestId, answer);
    const others = this.#records.filter(({ requestId }) => requestId !== request.requestId);
    this.#records = [...others, { ...request, answer }].slice(-mostRecords);
  }

  fail(request: RollbackRequest, error: Error): void {
    this.#answers.set(request.requestId, error);
  }

  /** Undefined while nobody has decided. */
  answerTo(requestId: string): RollbackAnswer | Error | undefined {
    return this.#answers.get(requestId);
  }
}
