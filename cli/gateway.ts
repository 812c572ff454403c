import type { Command } from 'commander';

import { runGateway } from '../workers/gateway.ts';
import { environmentWithContext } from './find-settings.ts';

/** `flywheel gateway`: the server robots talk to, in this process until a signal stops it. */
export function registerGatewayCommand(program: Command): void {
  program
    .command('gateway')
    .description(
      'run a gateway for robots; settings come from FLYWHEEL_GATEWAY_… variables; several may serve one store',
    )
    .action(() => runGateway(environmentWithContext(process.env, process.cwd())));
}
