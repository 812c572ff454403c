import assert from 'node:assert/strict';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import {
  clipUseIn,
  clipUseKey,
  clipUseKeys,
  clipUsesPrefix,
  ownsClip,
  readClipUse,
  writeClipUse,
  type ClipUse,
} from '../../../store/records/clip-uses.ts';

const use: ClipUse = {
  robotId: 'robot-1',
  sha256: 'ab'.repeat(32),
  episodeId: '01J00000000000000000000000',
  camera: 'front-left',
  sizeBytes: 5,
  startedAtUs: 1,
  receivedAtMs: 2,
};

describe('the records of whose a clip is', () => {
  it('are one for each robot, episode and camera; the first one stays', async () => {
    const store = memoryObjectStore();
    assert.equal(await writeClipUse(store, use), 'created');
    assert.equal(await writeClipUse(store, { ...use, receivedAtMs: 9 }), 'exists');
    assert.equal(await writeClipUse(store, { ...use, camera: 'back' }), 'created');
    assert.deepEqual(await readClipUse(store, clipUseKey(use)), use);
    assert.equal((await clipUseKeys(store, 'robot-1', use.sha256, 9)).length, 2);
    assert.equal((await clipUseKeys(store, 'robot-1', use.sha256, 1)).length, 1);
  });

  it('make a robot the owner of a clip that it brought, and of no other', async () => {
    const store = memoryObjectStore();
    await writeClipUse(store, use);
    assert.equal(await ownsClip(store, 'robot-1', use.sha256), true);
    assert.equal(await ownsClip(store, 'robot-2', use.sha256), false);
    assert.equal(await ownsClip(store, 'robot', use.sha256), false);
    assert.equal(await ownsClip(store, 'robot-1', 'cd'.repeat(32)), false);
  });

  it('say in their key what they are of', () => {
    const { robotId, sha256, episodeId, camera } = use;
    assert.deepEqual(clipUseIn(clipUseKey(use)), { robotId, sha256, episodeId, camera });
    for (const other of ['x.json', `robot-1/${sha256}.json`, `robot-1/${sha256}/a/b.front.json`, `a/b/c.d.json`])
      assert.equal(clipUseIn(clipUsesPrefix + other), undefined);
  });
});
