import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { registerBaseline } from '../activities/registry/register-baseline.ts';
import { judgeSubmission, type SubmissionVerdict } from '../activities/submissions/judge-submission.ts';
import { registerSubmission } from '../activities/submissions/register-submission.ts';
import { signOrdersOf } from '../cli/context.ts';
import { openJudging } from '../workers/compose.ts';
import type { Installation } from './installation.ts';

/** Models of a world, by the same doors as models of people. */
export interface WorldModels {
  /** Makes a model the safe fallback, and the champion where there is none. */
  baseline(model: Uint8Array, why: string): Promise<string>;
  /** Judges a model by every offline gate and registers what passed; throws with the gates that held it otherwise. */
  submit(name: string, model: Uint8Array): Promise<string>;
}

export function worldModels(installation: Installation, say: (line: string) => void, who: string): WorldModels {
  const { context, policy, robotType, stateDirectory } = installation;
  const signed = { ...context, signer: context.signer() };

  async function judge(name: string, model: Uint8Array): Promise<SubmissionVerdict> {
    const filePath = path.join(stateDirectory, `${name}.onnx`);
    await writeFile(filePath, model);
    return judgeSubmission({ ...context, ...(await openJudging(context.settings)) })({ policy, filePath });
  }

  async function register(name: string, verdict: SubmissionVerdict): Promise<string> {
    for (const { id, outcome, sentence } of verdict.gates) say(`  ${outcome.padEnd(5)} ${id}: ${sentence}`);
    return (await registerSubmission(signed)({ verdict, who, why: name })).version;
  }

  return {
    submit: async (name, model) => register(name, await judge(name, model)),
    async baseline(model, why) {
      const type = { id: robotType.id, version: robotType.version };
      const { version } = await registerBaseline(signed)({ policy, robotType: type, model, who, why });
      await signOrdersOf(context, policy);
      return version;
    },
  };
}
