import { join } from 'node:path';

import { findOnPath, type VersionRange } from './find-on-path.ts';
import { cacheName, makeOnce, pathExists, toolCacheFolder, type Report } from './tool-cache.ts';
import type { Tool, ToolSource } from './tool-source.ts';

/**
 * The path of a tool: on PATH in an accepted version, in the cache, or made there by the first source that can.
 * Throws an Error that says why each source could not.
 */
export async function findTool(
  tool: Tool,
  accepted: VersionRange,
  sources: readonly ToolSource[],
  report: Report,
): Promise<string> {
  const onPath = await findOnPath(tool.name, accepted, report, tool.question);
  if (onPath !== undefined) return onPath;
  const folder = await toolCacheFolder();
  const places = await Promise.all(
    sources.map(async (source) => ({
      source,
      final: join(folder, await cacheName(tool.name, tool.version, source.recipeFiles)),
    })),
  );
  for (const { source, final } of places) if (await pathExists(final)) return programOf(source, final);
  const problems: string[] = [];
  for (const { source, final } of places)
    try {
      return programOf(source, await makeOnce(final, report, (temporary) => source.make(temporary, report)));
    } catch (error) {
      const problem = `${source.how}: ${error instanceof Error ? error.message : String(error)}`;
      if (problems.push(problem) < sources.length) report(`${tool.name} cannot be had ${problem}; trying the next way`);
    }
  throw new Error(
    `${tool.name} ${tool.version} cannot be had.\n${problems.map((problem) => `- ${problem}`).join('\n')}\n` +
      `Mend one of these, or put ${tool.name} ${tool.version} on PATH.`,
  );
}

function programOf(source: ToolSource, made: string): string {
  return source.programWithin === undefined ? made : join(made, source.programWithin);
}
