import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

export interface WorkflowBundle extends WorkflowBundleWithSourceMap {
  /** Names the workflow code: sha256 of the bundle without its source map, which depends on the folder. */
  readonly buildId: string;
}

const silent = (): void => undefined;

/** Bundles the workflows for the sandbox. The bundler's log goes to `warn`: a reason for a broken bundle is only there. */
export async function bundleWorkflows(warn: (message: string) => void): Promise<WorkflowBundle> {
  const bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    logger: { log: silent, trace: silent, debug: silent, info: silent, warn, error: warn },
  });
  const code = bundle.code.replace(/\n\/\/# sourceMappingURL=.*$/s, '');
  return { ...bundle, buildId: createHash('sha256').update(code).digest('hex').slice(0, 16) };
}
