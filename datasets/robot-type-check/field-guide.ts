/** What each field of a robot type document means and looks like, by its path without indexes. */
const guide: ReadonlyMap<string, string> = new Map([
  ['', 'write an object with id, version, description, rateHz, observations, actions, tasks, split and limits'],
  ['id', 'name the type in lower-case letters, digits and dashes, e.g. "arm-7"'],
  ['version', 'begin with 1 and count up with every change'],
  ['description', 'say in a sentence what the robot is'],
  ['rateHz', 'say how many frames the robot records in a second, e.g. 20'],
  ['observations', 'list what the robot senses: name, unit, min and max of each'],
  ['observations[].name', 'name the feature, e.g. "joint-1-position"'],
  ['observations[].unit', 'name its unit, e.g. "rad", "m/s", "1" for none'],
  ['observations[].min', 'give the least value that can be real, in its unit'],
  ['observations[].max', 'give the greatest value that can be real, in its unit'],
  ['observations[].saturatesAt', 'give the reading that says "nothing in reach", or leave it out'],
  [
    'actions',
    'say what the robot can be told: {"kind": "continuous", "ranges": […]}, {"kind": "discrete", "names": […]} or {"kind": "none"}',
  ],
  ['actions.kind', 'choose "continuous", "discrete" or "none"'],
  ['actions.names', 'list the names of the actions, two at least'],
  ['actions.ranges', 'list the commanded values: name, unit, min and max of each'],
  ['actions.ranges[].name', 'name the action, e.g. "joint-1-velocity"'],
  ['actions.ranges[].unit', 'name its unit, e.g. "rad/s"'],
  ['actions.ranges[].min', 'give the least value that may be commanded'],
  ['actions.ranges[].max', 'give the greatest value that may be commanded'],
  ['actions.ranges[].measuredBy', 'name the observation that measures this action, or leave it out'],
  ['actions.critical', 'list actions that must not be missed, or leave it out'],
  ['actions.critical[].name', 'name one of the actions'],
  ['actions.critical[].minRecallFraction', 'give the least share of its frames to find, above 0 to 1'],
  ['follows', 'say which earlier version this one follows and how, or leave it out: then no older data is read'],
  ['follows.version', 'name an earlier version of this type'],
  [
    'follows.observations',
    'give each feature that is not the same: {"name", "is": "renamed", "from"}, {"name", "is": "scaled", "factor", "offset"} or {"name", "is": "new", "fill"}',
  ],
  ['follows.observations[].name', 'name a feature of this version, each once'],
  ['follows.observations[].from', 'name a feature of the followed version that nothing else reads'],
  ['follows.observations[].factor', 'value here = factor × value there + offset'],
  ['follows.observations[].fill', 'say as what older data reads that feature, within its range'],
  ['follows.gone', 'list the features of the followed version that are no more, by name or as {"name", "fill"}'],
  ['follows.gone[].fill', 'say as what robots of this version read for older models, within the range there'],
  ['follows.actions', 'give each action that is not the same, as with features; new discrete actions have no fill'],
  ['follows.actions[].name', 'name an action of this version, each once'],
  ['follows.actions[].from', 'name an action of the followed version that nothing else reads'],
  ['follows.goneActions', 'list the actions of the followed version that are no more'],
  ['tasks', 'list what the robots are asked to do, e.g. ["reach"]'],
  ['tasks[]', 'name the task in lower-case letters, digits and dashes'],
  [
    'split',
    'choose {"kind": "robotDay", "validationFraction": 0.1, "heldoutFraction": 0.2}, or "time" for one recording',
  ],
  ['split.kind', 'choose "robotDay", or "time" for one recording'],
  ['split.validationFraction', 'give the share of robot-days that watch the training, 0 to 0.5'],
  ['split.heldoutFraction', 'give the share of robot-days that candidates are measured on, 0 to 0.5'],
  ['split.heldoutStart', 'give an instant such as "2026-01-31T12:00:00Z"; what begins later is held out'],
  ['split.validation', 'list stretches of time {"start": …, "end": …} that watch the training'],
  ['limits', 'give minEpisodeFrames, maxEpisodeFrames, maxFrameGapPeriods and minAgreementFraction'],
  ['limits.minEpisodeFrames', 'give the fewest frames that make an episode'],
  ['limits.maxEpisodeFrames', 'give the most frames of an episode'],
  ['limits.maxFrameGapPeriods', 'give the longest gap between two frames, in periods of the rate, e.g. 5'],
  ['limits.rateToleranceFraction', 'give how far the rate of an episode may be off, 0.01 to 0.99, or leave it out'],
  ['limits.mayBeConstant', 'list observations that may keep one value over an episode, or leave it out'],
  ['limits.minAgreementFraction', 'give the least share of held-out labels that a model must agree with, 0 to 1'],
  [
    'limits.actionToleranceFraction',
    'give how far a value may be off and agree still, as a share of its range, or leave it out',
  ],
  ['limits.minBodyEpisodes', 'give how many held-out episodes of a body prove a candidate for it, or leave it out'],
  ['limits.maxModelSizeBytes', 'give the largest model that a robot can hold, or leave it out'],
]);

/** What to write at a path such as `observations[3].unit`; that of the nearest field around it where it has none of its own. */
export function adviceFor(path: string): string {
  for (let name = path.replaceAll(/\[\d+\]/g, '[]'); ; name = name.replace(/(\[\]|\.[^.[]*|^[^.[]*)$/, '')) {
    const advice = guide.get(name);
    if (advice !== undefined) return advice;
    if (name === '') return '';
  }
}
