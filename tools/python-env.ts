import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { runStep, type Step } from './run-step.ts';
import { cacheName, makeOnce, toolCacheFolder, type Report } from './tool-cache.ts';

/** An environment of Python packages, pinned in a file of tools/python. */
interface Environment {
  readonly requirements: string;
  /** Tried once it is made. */
  readonly imports: string;
  readonly sizeText: string;
  /** A script that finishes it: it is called with the folder of the packages. */
  readonly finish?: string;
  /** The Python that it is made with, and its least version, where `python3` of 3.11 will not do. */
  readonly interpreter?: { readonly command: string; readonly minor: number };
}
const requirementsFile = (name: string): string => join(import.meta.dirname, 'python', name);
const ofTests: Environment = {
  requirements: requirementsFile('requirements.txt'),
  imports: 'import deltalake, pyarrow, numpy, onnx, onnxruntime, pandas, polars',
  sizeText: 'about a minute, 200 MB',
};
const ofPackages: Environment = {
  requirements: requirementsFile('package-requirements.txt'),
  imports: 'import mypy, setuptools',
  sizeText: 'about 20 seconds, 20 MB',
};
const ofTorch: Environment = {
  requirements: join(import.meta.dirname, '..', 'trainers', 'pytorch', 'requirements.txt'),
  imports: 'import torch, pyarrow, PIL, onnx, onnxruntime',
  sizeText: 'two minutes, 600 MB',
  finish: requirementsFile('stub_cuda.py'),
};
const ofMujoco: Environment = {
  requirements: join(import.meta.dirname, '..', 'clients', 'mujoco', 'requirements.txt'),
  imports: 'import mujoco, numpy',
  sizeText: 'half a minute, 60 MB',
};
const ofLerobot: Environment = {
  requirements: join(import.meta.dirname, '..', 'trainers', 'lerobot', 'requirements.txt'),
  imports: 'import lerobot, torch, onnx, onnxruntime',
  sizeText: 'five minutes, 1 GB',
  finish: requirementsFile('stub_cuda.py'),
  interpreter: { command: 'python3.12', minor: 12 },
};
const ofMlflow: Environment = {
  requirements: requirementsFile('mlflow-requirements.txt'),
  imports: 'import mlflow',
  sizeText: 'about two minutes, 300 MB',
};
const usualInterpreter = { command: 'python3', minor: 11 };
const needsPython = 'Python 3.11 or newer with its venv module (on Debian: apt-get install python3 python3-venv)';

/** The python of a virtual environment in the cache that holds exactly tools/python/requirements.txt. */
export const pythonPath = (report: Report): Promise<string> => environmentPath('python', ofTests, report);

/** The same for tools/python/package-requirements.txt: what checks and builds the Python package of clients/python. */
export const pythonPackagePath = (report: Report): Promise<string> =>
  environmentPath('python-package', ofPackages, report);

/** What trainers/pytorch is tested with, and what scenario `arm-camera` trains with: its own requirements.txt, but on the CPU, without the libraries of a GPU. */
export const torchPath = (report: Report): Promise<string> => environmentPath('python-torch', ofTorch, report);

/** What clients/mujoco needs: MuJoCo for the simulated arms of scenarios `arm` and `arm-camera`, and of long tests. */
export const mujocoPath = (report: Report): Promise<string> => environmentPath('python-mujoco', ofMujoco, report);

/** LeRobot itself, on the CPU, for `npm run test:torch`; it wants Python 3.12. */
export const lerobotPath = (report: Report): Promise<string> => environmentPath('python-lerobot', ofLerobot, report);

/** A tracking server for `npm run test:long`. */
export const mlflowPath = (report: Report): Promise<string> => environmentPath('python-mlflow', ofMlflow, report);

async function environmentPath(name: string, environment: Environment, report: Report): Promise<string> {
  const { requirements, finish, interpreter } = environment;
  const recipe = finish === undefined ? [requirements] : [requirements, finish];
  const cached = await cacheName(name, await pythonVersion(report, interpreter), recipe);
  const final = join(await toolCacheFolder(), cached);
  return join(await makeOnce(final, report, (temporary) => install(temporary, environment, report)), 'bin', 'python');
}

/** Part of the environment's name: its packages are compiled for one minor version, and it links to that interpreter. */
async function pythonVersion(report: Report, interpreter = usualInterpreter): Promise<string> {
  const { command, minor } = interpreter;
  const needs = minor === usualInterpreter.minor ? needsPython : `Python 3.${minor} with its venv module`;
  const script = `import sys; print("%d.%d.%d" % sys.version_info[:3]); sys.exit(sys.version_info < (3, ${minor}))`;
  const result = await runStep({ command, arguments: ['-c', script], doing: `asking ${command}` }, report);
  if (result === undefined) throw new Error(`${command} is not on PATH: install ${needs}`);
  if (result.exitCode !== 0) throw new Error(`${command} is ${result.output.trim()}: install ${needs}`);
  return result.output.trim();
}

/** A virtual environment works after a rename as long as its python is called, not the scripts beside it. */
async function install(folder: string, environment: Environment, report: Report): Promise<void> {
  const { requirements, imports, sizeText, finish, interpreter } = environment;
  report(`making a Python environment of the tests: once per machine, ${sizeText} to download`);
  await makeVirtualEnvironment(folder, requirements, [], report, interpreter);
  const python = join(folder, 'bin', 'python');
  if (finish !== undefined)
    await must(
      { command: python, arguments: [finish, await packagesOf(folder)], doing: 'finishing the environment' },
      report,
    );
  await must({ command: python, arguments: ['-c', imports], doing: 'trying the Python packages' }, report);
}

/** The folder of a virtual environment's packages: its one Python has one. */
async function packagesOf(folder: string): Promise<string> {
  const [version = ''] = await readdir(join(folder, 'lib'));
  return join(folder, 'lib', version, 'site-packages');
}

/** Makes a virtual environment that holds exactly a requirements file; only finished packages are installed, none is built. */
export async function makeVirtualEnvironment(
  folder: string,
  requirementsFile: string,
  options: readonly string[],
  report: Report,
  interpreter = usualInterpreter,
): Promise<void> {
  const version = await pythonVersion(report, interpreter);
  await must(
    {
      command: interpreter.command,
      arguments: ['-m', 'venv', folder],
      doing: `making the environment of Python ${version}`,
    },
    report,
  );
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'];
  await must(
    {
      command: join(folder, 'bin', 'python'),
      arguments: [...pip, ...options, '-r', requirementsFile],
      doing: 'installing the Python packages',
    },
    report,
  );
}

async function must(step: Step, report: Report): Promise<void> {
  const result = await runStep(step, report);
  if (result?.exitCode === 0) return;
  const said = result === undefined ? 'the program does not exist' : result.output.trim();
  throw new Error(
    `the Python environment cannot be had: "${[step.command, ...step.arguments].join(' ')}" failed:\n${said}\n` +
      `It needs ${needsPython}, and a Python package index that can be reached.`,
  );
}
