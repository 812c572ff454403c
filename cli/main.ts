import { Command } from 'commander';

import { registerAgentCommand } from './agent.ts';
import { openContext } from './context.ts';
import { registerCycleCommands } from './cycle.ts';
import { registerDataCommands } from './data.ts';
import { reportFailure } from './exit-codes.ts';
import { registerGatewayCommand } from './gateway.ts';
import { registerImportCommand } from './import.ts';
import { registerIncidentCommands } from './incidents.ts';
import { registerModelCommands } from './models.ts';
import { registerMonitorCommand } from './monitor.ts';
import { registerPlanCommands } from './plan.ts';
import { registerRobotCommands } from './robots.ts';
import { registerRollbackCommands } from './rollback.ts';
import { registerScheduleCommand } from './schedule-command.ts';
import { registerSimulateCommand } from './simulate-fleet.ts';
import { registerTrialCommands } from './trials.ts';

const program = new Command('flywheel')
  .description('Continuous learning for robot fleets. Settings come from FLYWHEEL_… variables; see docs/operations.md.')
  .showHelpAfterError()
  .exitOverride();
registerImportCommand(program, async () => (await openContext()).store);
registerDataCommands(program);
registerModelCommands(program);
registerCycleCommands(program);
registerTrialCommands(program);
registerRollbackCommands(program);
registerScheduleCommand(program);
registerIncidentCommands(program);
registerMonitorCommand(program);
registerRobotCommands(program);
registerGatewayCommand(program);
registerAgentCommand(program);
registerSimulateCommand(program);
registerPlanCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  reportFailure(error);
}
