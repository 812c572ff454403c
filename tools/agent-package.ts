import path from 'node:path';

import { buildAgentPackage } from './agent-package/build.ts';

// `npm run agent-package -- FOLDER`: builds the package of the robot's agent; `npm pack FOLDER` makes its tarball.
const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('expected a folder to build the package in, got none');
const folder = path.resolve(given);
await buildAgentPackage(folder);
process.stdout.write(`${folder}: npm pack makes the tarball\n`);
