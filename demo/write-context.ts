import { mkdirSync } from 'node:fs';
import path from 'node:path';

import {
  contextFileName,
  findContextFile,
  userContextFile,
  writeContextFile,
  type ContextFile,
} from '../cli/context-file.ts';
import { asVariables } from '../cli/find-settings.ts';
import type { StartedInstallation } from './installation.ts';
import { isHeld } from './lock.ts';

/**
 * Writes down which installation runs here, so that commands find it: into its state folder, and into the user's config folder
 * unless another installation that runs is named there. Resolves with the files.
 */
export function writeContext(
  { context, stateDirectory, uiUrl }: Pick<StartedInstallation, 'context' | 'stateDirectory' | 'uiUrl'>,
  fleet: { readonly gatewayUrl: string } | undefined,
  isForUser: boolean,
): readonly string[] {
  const document: ContextFile = {
    version: 1,
    writtenBy: stateDirectory,
    settings: asVariables(context.settings),
    uiUrl,
    logsDirectory: path.join(stateDirectory, 'logs'),
    ...(fleet === undefined
      ? {}
      : { gatewayUrl: fleet.gatewayUrl, tokensFile: path.join(stateDirectory, 'robot-tokens.json') }),
  };
  const files = [path.join(stateDirectory, contextFileName)];
  const ofUser = isForUser ? userContextFile(process.env) : undefined;
  if (ofUser !== undefined && isFree(ofUser, stateDirectory)) files.push(ofUser);
  for (const file of files) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeContextFile(file, document);
  }
  return files;
}

/** What a person wrote there stays, and so does what another installation wrote that runs. */
function isFree(file: string, stateDirectory: string): boolean {
  try {
    const found = findContextFile([file]);
    if (found === undefined || found.context.writtenBy === stateDirectory) return true;
    return path.isAbsolute(found.context.writtenBy) && !isHeld(found.context.writtenBy);
  } catch {
    return false;
  }
}
