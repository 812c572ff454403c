import { InvalidArgumentError } from 'commander';

import type { PortMap } from '../policies/fit-model.ts';

/** Reads `observation=input_0,action=output`: what the policy calls a port, then what the model calls it. */
export function parsePortMap(text: string): PortMap {
  const map = new Map<string, string>();
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const [name, from] = [part.slice(0, Math.max(at, 0)).trim(), part.slice(at + 1).trim()];
    if (name === '' || from === '')
      throw new InvalidArgumentError(`expected PORT=NAME, such as observation=input_0, got ${JSON.stringify(part)}`);
    if (map.has(name)) throw new InvalidArgumentError(`expected every port once, got ${JSON.stringify(name)} twice`);
    map.set(name, from);
  }
  return map;
}
