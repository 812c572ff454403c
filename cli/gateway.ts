import type { Command } from 'commander';

import { runGateway } from '../workers/gateway.ts';
import { withoutGatewaySettings } from '../fleet/gateway/settings.ts';
import { requireStore } from './context.ts';
import { environmentWithContext, findSettings } from './find-settings.ts';

/** `flywheel gateway`: the server robots talk to, in this process until a signal stops it. */
export function registerGatewayCommand(program: Command): void {
  program
    .command('gateway')
    .description(
      'run a gateway for robots; settings come from FLYWHEEL_GATEWAY_… variables; several may serve one store',
    )
    .action(() => {
      // A gateway at a place where no store is would refuse every robot there is.
      requireStore(findSettings(withoutGatewaySettings(process.env), process.cwd()));
      return runGateway(environmentWithContext(process.env, process.cwd()));
    });
}
