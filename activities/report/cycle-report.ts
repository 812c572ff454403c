import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import type { SourceCount, StratumCount } from '../../datasets/training-set.ts';
import type { EvaluationDocument } from '../evaluation/evaluation-document.ts';
import type { QualityDocument } from '../mix/quality-document.ts';
import type { CycleBefore } from './cycle-before.ts';
import type { RobotLoss } from '../monitor/robot-losses.ts';
import type { GateResult } from '../../policies/gates/index.ts';

/** Everything a person wants to know of a cycle, as one document: `reports/<cycleId>.json`, and rendered as HTML beside it. */
export interface CycleReport {
  readonly cycleId: string;
  readonly policy: string;
  readonly outcome: string;
  readonly reason: string;
  readonly cause: string;
  readonly writtenAtMs: number;
  readonly championVersion: string | null;
  readonly candidateVersion: string | null;
  /** Null for a step the cycle did not reach. */
  readonly collection: CollectionSection | null;
  /** What robots made in the seven fleet days before and nobody has, the worst first; null: no monitor watches. */
  readonly losses: readonly RobotLoss[] | null;
  /** What the new episodes are like; null: the cycle trained nothing. Reports of earlier versions do not have it. */
  readonly quality: QualitySection | null;
  readonly mix: MixSection | null;
  readonly training: TrainingSection | null;
  readonly evaluation: EvaluationSection | null;
  readonly lineage: LineageSection;
  /** The policy's cycle before; null: there was none. Reports of earlier versions do not have it. */
  readonly before: CycleBefore | null;
  /** Where the console's pages are, for links; null: nobody said so. */
  readonly consoleUrl: string | null;
}

export interface CollectionSection {
  /** Everything the collection counted, robot by robot. */
  readonly summaryKey: string;
  readonly verdict: string;
  readonly episodesStored: number;
  readonly framesStored: number;
  readonly alreadyStored: number;
  readonly quarantinedEpisodes: number;
  readonly quarantinedSegments: number;
  readonly failuresStored: number;
  readonly robotsLeftOut: readonly string[];
  /** What stays in landing: the reason, the robot or robot type, and how many segments. */
  readonly waiting: readonly { readonly reason: string; readonly name: string; readonly segments: number }[];
  /** Clips of cameras; not there where the robot type has none. */
  readonly clips?: {
    readonly accepted: number;
    readonly refused: number;
    readonly awaited: number;
    readonly notJudged: number;
    readonly withoutEpisode: number;
  };
  /** Every rule, refusing or not; those of clips count clips. */
  readonly rules: readonly { readonly id: string; readonly doc: string; readonly refused: number }[];
}

/** Measures of the new episodes and, of held-out ones, how far the champion is from their labels. */
export type QualitySection = QualityDocument;

export interface MixSection {
  /** Cameras whose images the rows have, and what was left out for want of them; not there without cameras. */
  readonly images?: {
    readonly cameras: readonly { readonly name: string }[];
    readonly leftOut: readonly { readonly reason: string; readonly episodes: number; readonly frames: number }[];
  };
  readonly targetFrames: number;
  readonly newFrames: number;
  readonly historyFrames: number;
  readonly effectiveFrames: number;
  readonly correctionShareBeforeCap: number;
  readonly correctionShareAfterCap: number;
  readonly needsLabelFrames: number;
  /** Valid failure episodes of this cycle, and those among them that entered the set with at least one labelled frame. */
  readonly failuresAdded: number;
  readonly failuresValid: number;
  /** Those that did not and wait for a label; reports of earlier versions counted them among the added. */
  readonly failuresWaiting: number;
  /** Where several sources were mixed by weight; else empty. */
  readonly sources: readonly SourceCount[];
  readonly strata: readonly StratumCount[];
  /** The only tasks that were learned; null: all. */
  readonly learnedTasks: readonly string[] | null;
  /** Actions whose frames entered first, and how many really did; not there where all entered alike. */
  readonly favoured?: { readonly labels: readonly string[]; readonly takenFrames: number; readonly allFrames: number };
  /** Measures by which rows weighed less, how many did, and how much; not there where all weighed alike. */
  readonly doubtful?: { readonly by: readonly string[]; readonly takenFrames: number; readonly weight: number };
  /** Versions of the robot type that were read as the policy's own; empty where there was only that one. */
  readonly bodies: readonly {
    readonly robotType: string;
    readonly episodes: number;
    readonly takenFrames: number;
    readonly leftOutFrames: number;
  }[];
  readonly bodiesLeftOut: readonly { readonly robotType: string; readonly episodes: number; readonly reason: string }[];
}

export interface TrainingSection {
  readonly seed: number | null;
  readonly steps: number;
  readonly curve: readonly CurvePoint[];
  /** Everything that shaped the model. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** `warm`, or why the start was cold; null when nobody asked. */
  readonly warmStart: string | null;
  /** Every training of a search, the kept one among them; empty without a search. */
  readonly search: readonly {
    readonly runId: string;
    readonly isKept: boolean;
    readonly steps: number;
    /** Null: it could not be trained. */
    readonly validationLoss: number | null;
    readonly hyperparameters: Readonly<Record<string, unknown>>;
    /** Validation losses on the way, at most a hundred. */
    readonly curve: readonly { readonly step: number; readonly validationLoss: number }[];
    /** It was stopped here, because others were better; not there where it trained to its end. */
    readonly stoppedAtStep?: number;
    /** Why it could not be trained. */
    readonly reason?: string;
  }[];
}

export interface CurvePoint {
  readonly step: number;
  readonly trainLoss: number | null;
  readonly validationLoss: number | null;
}

export interface EvaluationSection {
  readonly accuracyFraction: number | null;
  readonly frames: number;
  readonly episodes: number;
  /** What always answering the most common label, and a linear model on the same set, reach. */
  readonly majorityFraction: number | null;
  readonly linearFraction: number | null;
  readonly calibrationError: number | null;
  readonly calibrationCurve: EvaluationDocument['calibrationCurve'];
  readonly roc: EvaluationDocument['roc'];
  readonly precisionRecall: EvaluationDocument['precisionRecall'];
  readonly championFraction: number | null;
  readonly tasks: EvaluationDocument['tasks'];
  /** The worst first; reports of earlier versions do not have them. */
  readonly robots: EvaluationDocument['robots'];
  readonly robotsMeasured: number;
  readonly actionErrors: EvaluationDocument['actionErrors'];
  readonly errorFractions: EvaluationDocument['errorFractions'];
  readonly labels: readonly string[];
  /** Row = recorded label, column = what the candidate says; counts. */
  readonly confusion: readonly (readonly number[])[];
  readonly perLabel: readonly {
    readonly label: string;
    readonly precision: number | null;
    readonly recall: number | null;
    readonly f1: number | null;
    readonly frames: number;
  }[];
  readonly gates: readonly GateResult[];
  /** Not there where no policy sees. */
  readonly disagreements?: EvaluationDocument['disagreements'];
  /** Held-out frames that the candidate gets wrong; not there without any. */
  readonly misclassified?: EvaluationDocument['misclassified'];
  /** Versions of the robot type with held-out data, each judged apart; empty where there is one only. */
  readonly bodies: readonly {
    readonly robotType: string;
    readonly standing: 'proven' | 'unproven';
    /** The champion does not serve it, so its robots take part in no stage of a trial. Absent where they do, or there was none. */
    readonly isWithoutStages?: boolean;
    readonly gates: readonly GateResult[];
  }[];
}

export interface LineageSection {
  readonly datasetVersion: DatasetVersion | null;
  readonly trainingSetDigest: string | null;
  readonly modelSha256: string | null;
  readonly parents: readonly string[];
  readonly codeBuild: string;
}
