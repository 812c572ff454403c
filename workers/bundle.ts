import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

export interface WorkflowBundle extends WorkflowBundleWithSourceMap {
  /** Names the workflow code: sha256 of the bundle without its source map, which depends on the folder. */
  readonly buildId: string;
}

const silent = (): void => undefined;

const ours = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));

/** Bundles the workflows for the sandbox, by default ours. The bundler's log goes to `warn`: a reason for a broken bundle is only there. */
export async function bundleWorkflows(warn: (message: string) => void, workflowsPath = ours): Promise<WorkflowBundle> {
  const bundle = await bundleWorkflowCode({
    workflowsPath,
    logger: { log: silent, trace: silent, debug: silent, info: silent, warn, error: warn },
  });
  const code = bundle.code.replace(/\n\/\/# sourceMappingURL=.*$/s, '');
  return { ...bundle, buildId: createHash('sha256').update(code).digest('hex').slice(0, 16) };
}
