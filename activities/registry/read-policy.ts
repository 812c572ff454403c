import type { Aliases } from '../../domain/registry/index.ts';
import type { ChampionDesk } from '../../fleet/desk/champion-desk.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { RobotTypeReference } from '../../store/records/robot-types.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { pinnedTasks, readPolicyDocument } from './policy-document.ts';

export interface ReadPolicyResult {
  /** With the tasks of the catalogue, where it has records. */
  readonly robotType: RobotTypeReference;
  /** Last record of the task catalogue that counts; −1: before the first. Answers of earlier versions lack it. */
  readonly tasksSeq?: number;
  readonly aliases: Aliases;
  /** Position of the last order to the policy's robots; -1 before the first. */
  readonly assignmentSeq: number;
}

/** What a cycle must know of its policy before it starts; `tasksSeq` pins the task catalogue, default: as it is now. Only reads. */
export const readPolicy =
  (ports: { store: ObjectStore; desk: ChampionDesk }) =>
  async (input: { policy: string; tasksSeq?: number }): Promise<ReadPolicyResult> => {
    const { robotType } = await readPolicyDocument(ports.store, input.policy);
    const { seq: assignmentSeq } = await ports.desk.readOrders(input.policy);
    const tasks = await pinnedTasks(ports.store, input.policy, robotType, input.tasksSeq);
    return {
      robotType: { ...robotType, ...tasks },
      tasksSeq: tasks.catalogue?.seq ?? -1,
      aliases: await readAliases(ports)(input),
      assignmentSeq,
    };
  };
