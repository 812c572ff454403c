/** Moments between two durable steps; tests end the process there. Nothing else may hang on them. */
export const killPoints = [
  'begin.written',
  'frame.written',
  'end.written',
  'end.synced',
  'spool.sealed',
  'segment.written',
  'segment.named',
  'telemetry.carried',
  'spool.removed',
  'upload.answered',
  'segment.removed',
  'telemetry.answered',
  'drop.marked',
  'drop.counted',
  'drop.reported',
  'model.partial',
  'model.downloaded',
  'model.tried',
  'state.written',
  'state.switched',
  'report.answered',
] as const;
/** The same, of robots with cameras alone. */
export const imageKillPoints = [
  'image.written',
  'clip.written',
  'clip.named',
  'images.removed',
  'clip.released',
  'clipPart.answered',
  'clip.answered',
  'clip.removed',
] as const;
export type KillPoint = (typeof killPoints)[number] | (typeof imageKillPoints)[number];
export type AtPoint = (point: KillPoint) => void;
