import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { listMisclassified } from '../../activities/evaluation/list-misclassified.ts';
import type { CycleReport } from '../../activities/report/cycle-report.ts';
import { importRoomsFolder } from '../../cli/import-rooms.ts';
import { readRoomsDescription } from '../../datasets/importers/rooms/description.ts';
import { draftRoomsType } from '../../datasets/importers/rooms/draft-rooms.ts';
import { exportRooms } from '../../fleet/simulator/export/export-rooms.ts';
import { cameraSchema } from '../../fleet/simulator/rooms/camera/camera.ts';
import { lidarSchema } from '../../fleet/simulator/rooms/lidar.ts';
import { parseScenario } from '../../fleet/simulator/scenario.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { withLoop } from '../loop/loop.ts';

const policy = 'obstacle-detector';
const episodes = Number(process.env['OBSTACLE_EPISODES'] ?? 200);
const scenario = parseScenario({
  world: { kind: 'rooms', families: ['pillars', 'ring'] },
  framesPerEpisode: 20,
  quirks: [{ robots: 'all', camera: { lightFraction: 0.8 } }],
});

describe('an obstacle detector on data of the simulator', () => {
  it('is trained on camera and LIDAR through a whole cycle and judged kind by kind: one that misses a kind is held', async () => {
    const { mkdtemp, rm } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const folder = await mkdtemp(path.join(tmpdir(), 'flywheel-obstacles-'));
    const rooms = path.join(folder, 'rooms');
    try {
      await exportRooms({
        folder: rooms,
        seed: 11,
        episodes,
        scenario,
        camera: cameraSchema.parse({}),
        lidar: lidarSchema.parse({ beams: 36 }),
      });
      const type = draftRoomsType(policy, await readRoomsDescription(rooms), 'obstacle');
      await withLoop(policy, type, async ({ cycle, directory, settings, store }) => {
        await publishRobotType(store, type);
        const imported = await importRoomsFolder({
          path: rooms,
          store,
          engine: duckDbEngine({ temporaryDirectory: folder, threads: 1 }),
          type,
          isAgain: false,
          scratchDirectory: settings.scratchDirectory,
          progress: () => undefined,
          isRegistered: async () => false,
        });
        assert.equal(imported.episodes, episodes);
        const told = async (training: object): Promise<CycleReport> => {
          const { reportKey } = await cycle({ bootstrap: true, trainWithoutNew: true, training });
          const file = path.join(directory, 'store', reportKey.replace(/html$/, 'json'));
          return JSON.parse(await readFile(file, 'utf8')) as CycleReport;
        };
        const flipped = { hyperparameters: { images: { augmentation: { flip: 0.5, brightness: 0.1 } } } };
        const report = await told({ seed: 1, cameras: ['front'], ...flipped });
        const { evaluation } = report;
        assert.ok(evaluation !== null, report.reason);
        for (const { label, precision, recall, f1, frames } of evaluation.perLabel)
          process.stderr.write(`${label}: precision ${precision}, recall ${recall}, F1 ${f1}, ${frames} frames\n`);
        process.stderr.write(
          `agreement ${evaluation.accuracyFraction}, linear ${evaluation.linearFraction}, commonest ${evaluation.majorityFraction}, ` +
            `calibration ${evaluation.calibrationError}, ${report.outcome}: ${report.reason}\n`,
        );
        for (const { id, outcome, sentence } of evaluation.gates)
          if (outcome !== 'pass') process.stderr.write(`${id} ${outcome}: ${sentence}\n`);
        const recalls = evaluation.gates.filter(({ id }) => id === 'labels.recall');
        assert.equal(recalls.length, 6);
        assert.ok(recalls.every(({ limit, sampleSize }) => limit === 0.3 && sampleSize > 0));
        assert.ok(evaluation.precisionRecall.length === 6 && evaluation.roc.length === 6);
        // A candidate that misses a kind is never registered, however well it agrees on the whole.
        const isMissing = recalls.some(({ outcome }) => outcome !== 'pass');
        assert.equal(report.candidateVersion === null, isMissing || report.outcome === 'gatesHold');
        const misses = await listMisclassified({ store })({ policy, cycleId: report.cycleId });
        assert.ok(
          misses.frames > 0 && misses.listed.every(({ episodeId, frame }) => episodeId !== null && frame !== null),
        );
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
