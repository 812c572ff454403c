import type { DatasetVersion } from './dataset-version.ts';

/**
 * A mixed set, `training-sets/<digest>/`: `train.arrow` and `validation.arrow` (Arrow IPC files, several record
 * batches) and `manifest.json`. Columns: `observation` FixedSizeList<float32>[O] · `label` int32 (discrete) or
 * FixedSizeList<float32>[A] (continuous) · `task` int32, index into `tasks` · `weight` float32, mean 1, loss only · where the set has
 * cameras, `image.<camera>` Binary each, a JPEG of the camera's learned size, RGB, with images before {@link pastImageColumn} as well.
 */
export interface TrainingSetReference {
  /** sha256 of the manifest, which names the digests of the files. */
  readonly digest: string;
  readonly trainRows: number;
  readonly validationRows: number;
}

/**
 * The held-out episodes at a dataset version, `heldout-sets/<digest>/heldout.arrow` + `manifest.json`; read by the gates
 * only. Columns as a training set, with `episode` int32 (0-based; rows of an episode are adjacent, in frame order) and `robot` int32 (index into the manifest's `robots`; sets of
 * earlier versions have none) in place of `weight`; where rows of several bodies could enter, `body` int32 (index into the manifest's `bodies`).
 */
export interface HeldoutSetReference {
  readonly digest: string;
  readonly rows: number;
  readonly episodes: number;
}

/** Column of the images that a camera showed so many frames before each row; empty where no policy looks. */
export const pastImageColumn = (camera: string, back: number): string => `past_image.${camera}.${back}`;

export const trainingSetFile = (digest: string, file: 'train.arrow' | 'validation.arrow' | 'manifest.json'): string =>
  `training-sets/${digest}/${file}`;
export const heldoutSetFile = (digest: string, file: 'heldout.arrow' | 'manifest.json'): string =>
  `heldout-sets/${digest}/${file}`;

/** One stratum of the mix: where its rows come from, how many there were and how many were taken. */
export interface StratumCount {
  readonly source: 'new' | 'history';
  readonly task: string;
  readonly availableFrames: number;
  readonly takenFrames: number;
}

/** One of several sources: how much of it there was and how much was taken. */
export interface SourceCount {
  readonly name: string;
  readonly weight: number;
  readonly availableFrames: number;
  readonly takenFrames: number;
}

/** Rows of one body in a set: a version of the robot type that is read as the set's own. */
export interface BodyCount {
  readonly robotType: string;
  readonly digest: string;
  /** Episodes that could be chosen from. */
  readonly episodes: number;
  /** Frames of them in the training rows; held-out sets do not say. */
  readonly takenFrames?: number;
  /** Frames of them whose action the set's body does not have; not there: none. */
  readonly leftOutFrames?: number;
}

/**
 * Why rows have no image: their episode has no clip of a camera (`noClip`), the clip has not come (`clipMissing`), it was refused or does not decode
 * (`clipRefused`), or no image is at or before the frame and at most two periods old (`noImage`).
 */
export type ImageLossReason = 'noClip' | 'clipMissing' | 'clipRefused' | 'noImage';

/** Rows that a set with images left out. */
export interface ImageLeftOut {
  readonly reason: ImageLossReason;
  readonly episodes: number;
  /** Of `noClip` all labelled frames of these episodes, before the set's share was taken; else frames that would have been rows. */
  readonly frames: number;
}

/** The images of a set; not there in one without cameras. */
export interface SetImages {
  /** In the order of the columns. */
  readonly cameras: readonly { readonly name: string; readonly width: number; readonly height: number }[];
  readonly leftOut: readonly ImageLeftOut[];
  /** What wrote the images: other versions write other bytes. */
  readonly encoder: string;
}

/** A version whose episodes cannot be read as the set's body. */
export interface BodyLeftOut {
  readonly robotType: string;
  readonly episodes: number;
  readonly reason: string;
}

/** Everything a set was made from and what went into it; the same inputs and seed give the same bytes. */
export interface TrainingSetManifest {
  readonly datasetVersion: DatasetVersion;
  readonly robotType: string;
  readonly robotTypeDigest: string;
  /** By index, the retired included. */
  readonly tasks: readonly string[];
  /** Which state of a task catalogue `tasks` are; not there where they are the robot type's. */
  readonly catalogue?: { readonly policy: string; readonly seq: number };
  readonly actions:
    | { readonly kind: 'discrete'; readonly names: readonly string[] }
    | { readonly kind: 'continuous'; readonly size: number };
  readonly observationNames: readonly string[];
  readonly seed: number;
  readonly targetFrames: number;
  readonly newFraction: number;
  readonly strata: readonly StratumCount[];
  readonly newFrames: number;
  readonly historyFrames: number;
  /** Kish's effective sample size of the weights. */
  readonly effectiveFrames: number;
  readonly correctionShareBeforeCap: number;
  readonly correctionShareAfterCap: number;
  /** Frames that carry no label (counted, never in the loss). */
  readonly needsLabelFrames: number;
  readonly failures: {
    readonly validEpisodes: number;
    readonly addedEpisodes: number;
    readonly queuedForLabelEpisodes: number;
  };
  /** Last line of the log `exclusions/` when it was made; not there when nobody had excluded anything. */
  readonly exclusionsSeq?: number;
  /** The same of the log `labels/`; not there when nobody had labelled anything. */
  readonly labelsSeq?: number;
  /** What else it takes to make the set again; sets of earlier versions lack it. `sources` as the cycle's input gave them. */
  readonly recipe?: {
    readonly newSince: DatasetVersion;
    readonly historyEpisodesPerRobot: number;
    readonly correctionWeight: number;
    readonly correctionShareCap: number;
    readonly sources?: readonly unknown[];
    /** The only tasks that it teaches, the others being replayed; not there where it teaches all. */
    readonly learnedTasks?: readonly string[];
    /** Cameras whose images it has; not there where it has numbers only. */
    readonly cameras?: readonly string[];
    /** Actions whose frames entered first; not there where all did alike. */
    readonly favouredLabels?: readonly string[];
    /** Measures in which episodes that lay far out weighed less; not there where all weighed alike. */
    readonly doubtBy?: readonly string[];
    /** Frames that a row has, the present included; not there for the present alone. */
    readonly history?: number;
    /** Actions that a row has, the present one included; not there for that alone. */
    readonly horizon?: number;
    /** Images of each camera that a row has, that of its own frame included; not there for that alone. */
    readonly imageHistory?: number;
  };
  readonly images?: SetImages;
  /** Training frames of the favoured labels that really entered, and all that did. */
  readonly favoured?: { readonly takenFrames: number; readonly allFrames: number };
  /** Training frames of doubtful episodes, corrections apart, and how much each weighs where others weigh 1; not there where none is doubted. */
  readonly doubtful?: { readonly takenFrames: number; readonly weight: number };
  /** Only where rows of other bodies than the set's own could enter. */
  readonly bodies?: readonly BodyCount[];
  /** Only where there were such. */
  readonly bodiesLeftOut?: readonly BodyLeftOut[];
  /** Only where several sources were mixed by weight. */
  readonly sources?: readonly SourceCount[];
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly rows: number }>>;
}
