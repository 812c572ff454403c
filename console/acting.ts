import { createHash } from 'node:crypto';

import type { FastifyBaseLogger } from 'fastify';

import { carryOut, type Act, type ActEnd } from '../acts/carry-out.ts';
import { isAskedFor } from '../acts/steering.ts';
import type { Operator } from '../fleet/desk/operators.ts';
import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { ActAnswer } from './answers/acts.ts';
import { ConsoleError } from './errors.ts';

interface ActingPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
}

/** What a request asks for. */
export type Asked = Pick<Act, 'act' | 'policy' | 'subject' | 'reason' | 'isProtective'>;
/** Who does it, under which id, and when it was first asked for. */
export interface Doing {
  readonly who: string;
  readonly actId: string;
  readonly askedAtMs: number;
}

/** Does what operators ask for by the API: one act after the other of those with one id, each in the name of who asks. */
export class Acting {
  readonly #ports: ActingPorts;
  readonly #underWay = new Map<string, Promise<ActEnd>>();

  constructor(ports: ActingPorts) {
    this.#ports = ports;
  }

  /** Does it once; `refused` in words where the answer is no. `key`: of the request, told apart by who asks. */
  async carryOut(
    { name: who, role }: Pick<Operator, 'name' | 'role'>,
    key: string,
    asked: Asked,
    work: (doing: Doing) => Promise<string>,
  ): Promise<ActAnswer> {
    const { store, clock, log } = this.#ports;
    const actId = createHash('sha256').update(`${who}\n${key}`).digest('hex');
    const before = this.#underWay.get(actId) ?? Promise.resolve();
    const onUnrecorded = (why: string): void => log.error({ act: asked.act, who }, why);
    const mine = before
      .catch(() => undefined)
      .then(() =>
        carryOut({ store, clock, onUnrecorded }, { ...asked, actId, who, role, via: 'page' }, (askedAtMs) =>
          work({ who, actId, askedAtMs }),
        ),
      );
    this.#underWay.set(actId, mine);
    try {
      const { outcome, answer, isRepeated } = await mine;
      if (outcome === 'refused') throw new ConsoleError('refused', answer);
      const waits = asked.act === 'rollback' && isAskedFor(answer) ? ({ needsApproval: true } as const) : {};
      return { readAtMs: clock(), actId, answer, isRepeated, ...waits };
    } finally {
      if (this.#underWay.get(actId) === mine) this.#underWay.delete(actId);
    }
  }
}
