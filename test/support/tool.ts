import { toolPath, type ToolName } from '../../tools/tool.ts';

const longestBuildMs = 20 * 60_000;

/**
 * The path of a tool for a mocha hook or test, whose time limit is raised: the first call on a machine may build it
 * for minutes. A tool that cannot be had fails the test; what needs it is never skipped.
 */
export async function toolForTest(context: Mocha.Context, name: ToolName): Promise<string> {
  const limitMs = context.timeout();
  context.timeout(longestBuildMs);
  const path = await toolPath(name);
  context.timeout(limitMs);
  return path;
}
