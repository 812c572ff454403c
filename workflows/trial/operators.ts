import { setHandler } from '@temporalio/workflow';

import { abortUpdate } from '../cycle/messages.ts';
import { trialAnswers, whyRefused } from './answers.ts';
import { hearing, refuse } from './guarded-loop.ts';
import {
  approveUpdate,
  operatorSignal,
  pauseUpdate,
  rejectUpdate,
  resumeUpdate,
  type OperatorMessage,
  type OperatorWord,
  type TrialStatus,
} from './messages.ts';

/** Takes what operators say of a trial into the inbox; what means nothing now is refused in words. */
export function hearOperators(inbox: OperatorMessage[], status: () => TrialStatus): void {
  const operated = (kind: OperatorMessage['kind']) =>
    [
      ({ reason, who }: OperatorWord): string => {
        inbox.push({ kind, reason, ...(who === undefined ? {} : { who }) });
        return trialAnswers[kind];
      },
      {
        validator: (word: OperatorWord) => {
          const refusal = whyRefused(kind, word, status());
          if (refusal !== undefined) refuse(refusal);
        },
      },
    ] as const;
  setHandler(pauseUpdate, ...operated('pauseRequested'));
  setHandler(resumeUpdate, ...operated('resumeRequested'));
  setHandler(approveUpdate, ...operated('approved'));
  setHandler(rejectUpdate, ...operated('rejected'));
  setHandler(abortUpdate, ...operated('abortRequested'));
  setHandler(operatorSignal, hearing(inbox));
}
