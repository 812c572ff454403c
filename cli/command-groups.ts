import type { Command } from 'commander';

type Register = (program: Command) => void;

/** Every file of commands under the names of the commands that it adds to the program, in the order in which help shows them. */
export const commandGroups = {
  import: async () => {
    const { registerImportCommand } = await import('./import.ts');
    const { openNewContext } = await import('./context.ts');
    return (program) => registerImportCommand(program, openNewContext);
  },
  export: async () => (await import('./export.ts')).registerExportCommand,
  data: async () => (await import('./data.ts')).registerDataCommands,
  labels: async () => (await import('./labels.ts')).registerLabelCommands,
  keys: async () => (await import('./keys.ts')).registerKeyCommands,
  models: async () => (await import('./models.ts')).registerModelCommands,
  cycle: async () => (await import('./cycle.ts')).registerCycleCommands,
  trial: async () => (await import('./trials.ts')).registerTrialCommands,
  freeze: async () => (await import('./freeze.ts')).registerFreezeCommands,
  rollback: async () => (await import('./rollback.ts')).registerRollbackCommands,
  schedule: async () => (await import('./schedule-command.ts')).registerScheduleCommand,
  why: async () => (await import('./why.ts')).registerWhyCommand,
  incidents: async () => (await import('./incidents.ts')).registerIncidentCommands,
  metrics: async () => (await import('./metrics.ts')).registerMetricsCommand,
  costs: async () => (await import('./costs.ts')).registerCostCommands,
  monitor: async () => (await import('./monitor.ts')).registerMonitorCommand,
  robots: async () => (await import('./robots.ts')).registerRobotCommands,
  'robot-types': async () => (await import('./robot-types.ts')).registerRobotTypeCommands,
  audit: async () => (await import('./audit.ts')).registerAuditCommand,
  operators: async () => (await import('./operators.ts')).registerOperatorCommands,
  tasks: async () => (await import('./tasks.ts')).registerTaskCommands,
  windows: async () => (await import('./windows.ts')).registerWindowCommands,
  gateway: async () => (await import('./gateway.ts')).registerGatewayCommand,
  agent: async () => (await import('./agent.ts')).registerAgentCommand,
  simulate: async () => (await import('./simulate-fleet.ts')).registerSimulateCommand,
  plan: async () => (await import('./plan.ts')).registerPlanCommands,
  deploy: async () => (await import('./deploy.ts')).registerDeployCommands,
  doctor: async () => (await import('./doctor.ts')).registerDoctorCommand,
  completion: async () => {
    const { registerCompletionCommand } = await import('./completion.ts');
    return (program) => registerCompletionCommand(program, registerAll);
  },
  context: async () => (await import('./context-command.ts')).registerContextCommand,
} as const satisfies Record<string, () => Promise<Register>>;

export type CommandGroup = keyof typeof commandGroups;

/** Adds every command to a program. */
export async function registerAll(program: Command): Promise<void> {
  for (const load of Object.values<() => Promise<Register>>(commandGroups)) (await load())(program);
}

/** The group of the command that is asked for; undefined where it is not plain: help, an unknown word, nothing. */
export function groupOf([word = '']: readonly string[]): CommandGroup | undefined {
  return (Object.keys(commandGroups) as CommandGroup[]).find((names) => names.split(' ').includes(word));
}
