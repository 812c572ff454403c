import type { Aliases } from '../../domain/registry/index.ts';
import type { ChampionDesk } from '../../fleet/desk/champion-desk.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readPolicyDocument, type PolicyDocument } from './policy-document.ts';

export interface ReadPolicyResult {
  readonly robotType: PolicyDocument['robotType'];
  readonly aliases: Aliases;
  /** Position of the last order to the policy's robots; -1 before the first. */
  readonly assignmentSeq: number;
}

/** What a cycle must know of its policy before it starts. Only reads. */
export const readPolicy =
  (ports: { store: ObjectStore; desk: ChampionDesk }) =>
  async (input: { policy: string }): Promise<ReadPolicyResult> => {
    const { robotType } = await readPolicyDocument(ports.store, input.policy);
    const { seq: assignmentSeq } = await ports.desk.readOrders(input.policy);
    return { robotType, aliases: await readAliases(ports)(input), assignmentSeq };
  };
