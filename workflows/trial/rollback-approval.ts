import { whyOwn } from '../../domain/trial/own-request.ts';
import { undoneOrder } from '../../domain/trial/undo-rollback.ts';
import type { PlanRollbackResult } from '../../activities/trials/read-fleet-state.ts';
import { refuse, requirePerson } from './guarded-loop.ts';
import type { OperatorWord, RollbackRequest, RollbackStatus } from './messages.ts';

/** A rollback that a person has to agree to, with what was decided when it was asked. */
interface Waiting {
  readonly request: RollbackRequest;
  readonly plan: PlanRollbackResult;
  readonly version: string;
  readonly reason: string;
  readonly untilMs: number;
}

interface Answer {
  readonly verdict: 'approved' | 'rejected';
  readonly who: string;
  readonly reason: string;
}

/** At most one request waits for a person; only handlers put answers in. */
export class ApprovalDesk {
  #waiting: Waiting | undefined;
  #answer: Answer | undefined;

  get current(): Waiting | undefined {
    return this.#waiting;
  }

  get waiting(): RollbackStatus['waiting'] {
    if (this.#waiting === undefined) return null;
    const { request, version, untilMs } = this.#waiting;
    return { ...request, version, untilMs };
  }

  /** Why a request is not taken before what waits is answered: it undoes a rollback, and somebody may want to go further back. */
  whyFirst({ target }: RollbackRequest): string | undefined {
    const { waiting } = this;
    if (waiting === null || undoneOrder(target) === undefined) return undefined;
    return `the rollback to ${waiting.version} that ${waiting.who} asked for waits for an approval: answer it first`;
  }

  get isAnswered(): boolean {
    return this.#answer !== undefined;
  }

  get answer(): Answer | undefined {
    return this.#answer;
  }

  ask(waiting: Waiting): void {
    this.#waiting = waiting;
    this.#answer = undefined;
  }

  /** Nothing waits any more; gives what did. */
  drop(): Waiting | undefined {
    const dropped = this.#waiting;
    this.#waiting = undefined;
    this.#answer = undefined;
    return dropped;
  }

  /** Handler and options of an update that answers what waits. */
  hears(verdict: Answer['verdict']) {
    return [
      ({ reason, who = '' }: OperatorWord): string => {
        this.#answer ??= { verdict, who, reason };
        const { version } = this.#waiting ?? { version: 'nothing' };
        return `${version} is ${verdict} by ${who}`;
      },
      {
        validator: (word: OperatorWord): void => {
          requirePerson(word);
          if (this.#waiting === undefined || this.#answer !== undefined) return refuse('nothing waits for approval');
          const { requestId, who } = this.#waiting.request;
          if (word.meant !== undefined && word.meant !== requestId) refuse('another request waits by now: look again');
          if (verdict === 'rejected' || word.isNotOwn !== true) return;
          const refusal = whyOwn({ who, cause: 'a rollback' }, word.who ?? '');
          if (refusal !== undefined) refuse(refusal);
        },
      },
    ] as const;
  }
}
