import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import { openContext, type CommandContext } from './context.ts';

/** The installation, for a command that speaks of one policy; `NotFound` where it has no such policy. */
export async function openPolicy(policy: string): Promise<CommandContext> {
  const context = await openContext();
  await readPolicyDocument(context.store, policy);
  return context;
}
