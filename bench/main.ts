import { Command, InvalidArgumentError } from 'commander';

import { measureAgentCameras } from './agent-cameras.ts';
import { measureCamera } from './camera.ts';
import { measureDecide } from './decide.ts';
import { describeDefaults, measureDefaults } from './defaults.ts';
import { describeWarmStart, measureWarmStart } from './defaults/warm-start.ts';
import { measureFlood } from './flood.ts';
import { describeFlywheel, measureFlywheel } from './flywheel.ts';
import { measureIncidents } from './incidents.ts';
import { measureGateway } from './gateway.ts';
import { measureGatewayClips } from './gateway-clips.ts';
import { describeImport, measureImport } from './import.ts';
import { ingestLeg } from './ingest.ts';
import type { BenchLeg, BenchResult } from './leg.ts';
import { mixLeg } from './mix.ts';
import { measureImages } from './images.ts';
import { describeImageTraining, measureImageTraining } from './image-training.ts';
import { measureRollback } from './rollback.ts';
import { measureSimulator } from './simulator.ts';
import { measureTasks } from './tasks.ts';
import { trainLeg } from './train.ts';
import { measureUpload } from './upload.ts';

const number = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new InvalidArgumentError(`expected a number from ${least} to ${most}`);
  return value;
};

const sizeOf = (text: string): 'small' | 'large' => {
  if (text === 'small' || text === 'large') return text;
  throw new InvalidArgumentError('expected small or large');
};

const program = new Command('bench')
  .description('Measures one leg of the loop against a reference in the same run. Ratios: larger is better.')
  .showHelpAfterError();

const progressOf = (name: string) => (line: string) => void process.stderr.write(`bench ${name}: ${line}\n`);
const print = (result: object, isJson: boolean, described: string): void =>
  void process.stdout.write(`${isJson ? JSON.stringify(result) : described}\n`);
/** `name value` pairs of a result, for people. */
const listed = (result: object): string =>
  Object.entries(result)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? round(value) : String(value)}`)
    .join(', ');
const round = (value: number): string => (Math.abs(value) >= 100 ? String(Math.round(value)) : value.toFixed(2));

const seed = ['--seed <number>', 'seed of the generated data', number(0, 2 ** 31 - 1), 1] as const;
const json = ['--json', 'one JSON object on stdout', false] as const;

function addRatioLeg(leg: BenchLeg, description: string): void {
  program
    .command(leg.name)
    .description(description)
    .option('--scale <fraction>', 'size of the work; 1 = the week of 700,000 episodes', number(0.0001, 100), 0.05)
    .option('--frames <count>', 'frames an episode', number(1, 10_000), 20)
    .option(...seed)
    .option(...json)
    .action(async (options: { scale: number; frames: number; seed: number; json: boolean }) => {
      const result = await leg.run({ ...options, progress: progressOf(leg.name) });
      print(result, options.json, describeRatio(result));
    });
}

const describeRatio = (result: BenchResult): string =>
  `${result.leg} at scale ${result.scale}: ours ${round(result.ours)} ${result.unit}, reference ${round(result.reference)} ${result.unit}, ratio ${result.ratio.toFixed(2)}, peak memory ${Math.round(result.peakRssBytes / 2 ** 20)} MiB`;

addRatioLeg(ingestLeg, 'landing → validated → Delta against the engine’s own Parquet → Parquet copy');
addRatioLeg(mixLeg, 'replay mix to Arrow against a plain scan of the same columns');
addRatioLeg(trainLeg, 'trainer against the bare runtime loop on the same graph');

program
  .command('import')
  .description('imports in every format up to landing, against a reader of the same bytes')
  .option('--rows <count>', 'rows of the table', number(1_000, 10_000_000), 200_000)
  .option('--rounds <count>', 'rounds, both in turn; the best counts', number(1, 100), 3)
  .option(...seed)
  .option(...json)
  .action(async (options: { rows: number; rounds: number; seed: number; json: boolean }) => {
    const result = await measureImport({ ...options, progress: progressOf('import') });
    print(result, options.json, describeImport(result));
  });

program
  .command('images')
  .description(
    'clips of cameras to images of training sets, against ffmpeg on the same clips; memory with n and 4 n clips',
  )
  .option('--clips <count>', 'clips of a round', number(1, 1_000), 4)
  .option('--images <count>', 'images a clip', number(1, 100_000), 100)
  .option('--rounds <count>', 'rounds, in turn with ffmpeg', number(1, 100), 3)
  .option(...seed)
  .option(...json)
  .action(async (options: { clips: number; images: number; rounds: number; seed: number; json: boolean }) => {
    const result = await measureImages({ ...options, progress: progressOf('images') });
    print(result, options.json, listed(result));
  });

program
  .command('gateway')
  .description('a fleet’s traffic from a second process: latency, processor, memory, time of an order')
  .option('--robots <count>', 'robots', number(1, 10_000), 500)
  .option('--seconds <count>', 'how long traffic is measured', number(5, 3_600), 60)
  .option(...json)
  .action(async (options: { robots: number; seconds: number; json: boolean }) => {
    const result = await measureGateway({ ...options, progress: progressOf('gateway') });
    print(result, options.json, listed(result));
  });

program
  .command('gateway-clips')
  .description('heartbeats and telemetry while every robot brings clips of its camera, relative to the same without')
  .option('--robots <count>', 'robots', number(1, 10_000), 100)
  .option('--seconds <count>', 'how long each half of a round lasts', number(5, 3_600), 20)
  .option('--rounds <count>', 'rounds, each without clips and then with them', number(1, 100), 3)
  .option(...json)
  .action(async (options: { robots: number; seconds: number; rounds: number; json: boolean }) => {
    const result = await measureGatewayClips({ ...options, progress: progressOf('gateway-clips') });
    print(result, options.json, listed(result));
  });

program
  .command('incidents')
  .description('new incidents in 10 min of a bad week, by the monitor’s own code and a simulated clock')
  .option('--robots <count>', 'robots of the fleet', number(1, 5_000), 500)
  .option('--sites <count>', 'sites that they are at', number(1, 500), 10)
  .option(...seed)
  .option(...json)
  .action(({ json: isJson, ...options }: { robots: number; sites: number; seed: number; json: boolean }) => {
    const result = measureIncidents(options);
    print(result, isJson, listed(result));
  });

program
  .command('decide')
  .description('a robot’s decisions with the model in this process and in one of its own')
  .option('--decisions <count>', 'decisions each', number(100, 1_000_000), 5_000)
  .option(...json)
  .action(async ({ decisions, json: isJson }: { decisions: number; json: boolean }) => {
    const result = await measureDecide({ decisions });
    print(result, isJson, listed(result));
  });

program
  .command('agent-cameras')
  .description('a robot’s agent with two cameras of 640 × 480 at 15 images a second: processor, memory and bytes')
  .option('--seconds <count>', 'how long each robot records', number(5, 3_600), 30)
  .option(...json)
  .action(async ({ seconds, json: isJson }: { seconds: number; json: boolean }) => {
    const result = await measureAgentCameras({ seconds, progress: progressOf('agent-cameras') });
    const { jpeg, h264 } = result;
    print(result, isJson, `jpeg: ${listed(jpeg)}${h264 === undefined ? '' : `; h264: ${listed(h264)}`}`);
  });

program
  .command('defaults')
  .description('several ways to train on several sets: which should be the default')
  .option('--size <small|large>', 'sets below 50,000 rows, or from there on', sizeOf, 'small')
  .option('--seeds <count>', 'trainings of each way on each set', number(1, 20), 3)
  .option('--recording <folder>', 'the wall-following recording (UCI 194), for the small sets', 'wall-following')
  .option(...json)
  .action(async (options: { size: 'small' | 'large'; seeds: number; recording: string; json: boolean }) => {
    const result = await measureDefaults({ ...options, progress: progressOf('defaults') });
    print(result, options.json, describeDefaults(result));
  });

program
  .command('warm-start')
  .description(
    'candidates that start from the champion against those that start anew: more data, more tasks, more features',
  )
  .option('--seeds <count>', 'trainings of each start in each situation', number(1, 20), 3)
  .option(
    '--rows <count>',
    'rows of each set, before a sixth each is kept to end the training and to measure',
    number(600, 40_000),
    6_000,
  )
  .option(...json)
  .action(async (options: { seeds: number; rows: number; json: boolean }) => {
    const result = await measureWarmStart({ ...options, progress: progressOf('warm-start') });
    print(result, options.json, describeWarmStart(result));
  });

program
  .command('image-training')
  .description(
    'a training step of the default networks with camera images on one thread, relative to PyTorch if available',
  )
  .option('--python <path>', 'a Python with torch; without it only ours is measured')
  .option('--steps <count>', 'steps a round', number(16, 10_000), 40)
  .option('--rounds <count>', 'rounds, both in turn', number(1, 100), 3)
  .option(...seed)
  .option(...json)
  .action(async (options: { python?: string; steps: number; rounds: number; seed: number; json: boolean }) => {
    const result = await measureImageTraining({ ...options, progress: progressOf('image-training') }).catch(
      (error: Error) => program.error(error.message),
    );
    print(result, options.json, describeImageTraining(result));
  });

program
  .command('upload')
  .description('segments through the gateway against plain Node http writing the same bytes')
  .option('--segments <count>', 'segments a round', number(1, 10_000), 200)
  .option('--bytes <count>', 'bytes a segment', number(1, 64 * 2 ** 20), 2 ** 20)
  .option('--rounds <count>', 'rounds', number(1, 100), 5)
  .option(...json)
  .action(async (options: { segments: number; bytes: number; rounds: number; json: boolean }) => {
    const { segments, bytes, rounds } = options;
    const result = await measureUpload({ segments, rounds, segmentBytes: bytes, progress: progressOf('upload') });
    print(result, options.json, listed(result));
  });

program
  .command('flywheel')
  .description('does the loop improve the policy in rooms it never trained on, and more so with corrections')
  .option('--camera', 'robots that have nothing but a camera, instead of a ring of ranges', false)
  .option('--cycles <count>', 'cycles (5; with --camera 3)', number(1, 100))
  .option('--seeds <count>', 'seeds (3; with --camera 2)', number(1, 100))
  .option('--episodes <count>', 'held-out episodes a seed', number(10, 10_000), 200)
  .option(...seed)
  .option(...json)
  .action(
    async (options: {
      camera: boolean;
      cycles?: number;
      seeds?: number;
      episodes: number;
      seed: number;
      json: boolean;
    }) => {
      const { episodes, ...rest } = options;
      const result = await measureFlywheel({ ...rest, heldoutEpisodes: episodes, progress: progressOf('flywheel') });
      print(result, options.json, describeFlywheel(result));
    },
  );

program
  .command('simulator')
  .description('a fleet of simulated robots with real agents and a real gateway on this machine: episodes a second')
  .option('--robots <count>', 'robots', number(1, 1_000), 100)
  .option('--runs <count>', 'runs; the median counts', number(1, 20), 3)
  .option(...seed)
  .option(...json)
  .action(async (options: { robots: number; runs: number; seed: number; json: boolean }) => {
    const result = await measureSimulator({ ...options, progress: progressOf('simulator') });
    const { runs, ...rest } = result;
    print(result, options.json, `${listed(rest)}, in ${runs.length} runs`);
  });

program
  .command('camera')
  .description('episodes a second in the rooms of the simulator with an image of every frame, relative to without')
  .option('--width <pixels>', 'width of the images', number(16, 320), 64)
  .option('--height <pixels>', 'height of the images', number(12, 240), 48)
  .option('--episodes <count>', 'episodes a process and round', number(1, 100_000), 300)
  .option('--rounds <count>', 'rounds, both in turn; the medians count', number(1, 100), 3)
  .option(...seed)
  .option(...json)
  .action(
    async (options: {
      width: number;
      height: number;
      episodes: number;
      rounds: number;
      seed: number;
      json: boolean;
    }) => {
      const result = await measureCamera({ ...options, progress: progressOf('camera') });
      print(result, options.json, listed(result));
    },
  );

program
  .command('flood')
  .description('a tick of a fleet in which one robot reports without measure, against the same fleet without it')
  .option('--robots <count>', 'robots', number(20, 10_000), 500)
  .option('--seconds <count>', 'how long it sends before each tick', number(1, 3_600), 30)
  .option('--rounds <count>', 'ticks with and without it; the medians count', number(1, 100), 3)
  .option(...seed)
  .option(...json)
  .action(async (options: { robots: number; seconds: number; rounds: number; seed: number; json: boolean }) => {
    const result = await measureFlood({ ...options, progress: progressOf('flood') });
    print(result, options.json, listed(result));
  });

program
  .command('tasks')
  .description('a catalogue of many tasks: plan, tick, nets, monitor, mix, held-out set, gates and report')
  .option('--tasks <count>', 'tasks', number(3, 1_024), 500)
  .option('--robots <count>', 'robots', number(150, 10_000), 500)
  .option('--scale <fraction>', 'size of the week that is mixed; 1 = 700,000 episodes', number(0.0001, 100), 0.05)
  .option('--rounds <count>', 'ticks; the median counts', number(1, 100), 5)
  .option(...seed)
  .option(...json)
  .action(
    async (options: { tasks: number; robots: number; scale: number; rounds: number; seed: number; json: boolean }) => {
      const result = await measureTasks({ ...options, progress: progressOf('tasks') });
      print(result, options.json, listed(result));
    },
  );

program
  .command('rollback')
  .description(
    'alarm → last online robot confirmed: real agents in long episodes, collections and trainings beside them',
  )
  .option('--robots <count>', 'robots', number(2, 10_000), 500)
  .option('--rounds <count>', 'rounds; the worst counts', number(1, 1_000), 10)
  .option(...seed)
  .option(...json)
  .action(async (options: { robots: number; rounds: number; seed: number; json: boolean }) => {
    const result = await measureRollback({ ...options, progress: progressOf('rollback') });
    print(result, options.json, listed(result));
  });

await program.parseAsync();
