import type { Aliases } from '../../domain/registry/index.ts';
import type { ChampionDesk } from '../../fleet/desk/champion-desk.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { learnedTasks } from '../mix/learned-tasks.ts';
import { comparedCameras, heldoutWindow, type HeldoutWindow } from './compared-cameras.ts';
import { pinnedTasks, readPolicyDocument } from './policy-document.ts';

export interface ReadPolicyResult extends HeldoutWindow {
  /** With the tasks of the catalogue, where it has records. */
  readonly robotType: RobotTypeReference;
  /** Last record of the task catalogue that counts; −1: before the first. Answers of earlier versions lack it. */
  readonly tasksSeq?: number;
  readonly aliases: Aliases;
  /** Cameras that champion or anchor see, whose images may leave the robot: held-out rows need them. Not there where neither sees. */
  readonly cameras?: readonly string[];
  /** Position of the last order to the policy's robots; -1 before the first. */
  readonly assignmentSeq: number;
}

export interface ReadPolicyInput {
  readonly policy: string;
  /** Pins the task catalogue; default: as it is now. */
  readonly tasksSeq?: number;
  /** The only tasks that the cycle is to learn: `InvalidInput` where the catalogue has no such active task. */
  readonly learnedTasks?: readonly string[];
}

/** What a cycle must know of its policy before it starts. Only reads. */
export const readPolicy =
  (ports: { store: ObjectStore; desk: ChampionDesk }) =>
  async (input: ReadPolicyInput): Promise<ReadPolicyResult> => {
    const { robotType } = await readPolicyDocument(ports.store, input.policy);
    const { seq: assignmentSeq } = await ports.desk.readOrders(input.policy);
    const tasks = await pinnedTasks(ports.store, input.policy, robotType, input.tasksSeq);
    if (input.learnedTasks !== undefined)
      learnedTasks(await readTaughtType(ports.store, { ...robotType, ...tasks }), input.learnedTasks);
    const aliases = await readAliases(ports)(input);
    const cameras = await comparedCameras(ports.store, input.policy, robotType, aliases);
    const window = await heldoutWindow(ports.store, input.policy, aliases);
    return {
      robotType: { ...robotType, ...tasks },
      tasksSeq: tasks.catalogue?.seq ?? -1,
      aliases,
      ...(cameras.length === 0 ? {} : { cameras }),
      ...window,
      assignmentSeq,
    };
  };
