import { killedWhileErasing } from './killed-eraser.ts';

describe('a process that is killed while it erases', function () {
  this.timeout(300_000);
  // At many more places in test/long.
  killedWhileErasing([0.55]);
});
