import { setImmediate as others } from 'node:timers/promises';

const pieceBytes = 256 * 1024;

/** Works on bytes in memory piece by piece, and lets other requests run in between. */
export async function eachPiece(bytes: Uint8Array, work: (piece: Uint8Array) => Promise<void>): Promise<void> {
  for (let start = 0; start < bytes.byteLength; start += pieceBytes) {
    await work(bytes.subarray(start, start + pieceBytes));
    await others();
  }
}
