import { killedWhileErasing } from '../activities/erasure/killed-eraser.ts';

const deaths = 24;

describe('a process that is killed while it erases, all along the way', function () {
  this.timeout(3_600_000);
  killedWhileErasing(Array.from({ length: deaths }, (_, index) => (index + 0.5) / deaths));
});
