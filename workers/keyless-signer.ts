import type { Signer } from '../policies/signer.ts';
import { failure } from '../store/failures.ts';

const noKeys = (): never => {
  throw failure('KeysUnavailable', 'expected a worker of the fleet queue, which has the keys, got one of other queues');
};

/** For workers that sign nothing and judge no signature. */
export const keylessSigner: Signer = {
  get publicKeyId() {
    return noKeys();
  },
  rootVersion: 0,
  sign: noKeys,
  trusts: noKeys,
};
