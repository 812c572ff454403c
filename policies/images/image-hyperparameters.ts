/**
 * How a network with cameras is trained where nothing is asked for, by the number of training rows: up to ten passes in small batches,
 * because a picture's planes take a thousand times the memory of readings. Tried on drawn scenes only, not compared over several sets like
 * the defaults of networks without cameras.
 */
export function defaultImageHyperparameters(trainRows: number) {
  const batchSize = 16;
  const stepsInPass = Math.ceil(trainRows / batchSize);
  return {
    learningRate: 0.005,
    weightDecay: 0.05,
    batchSize,
    maxSteps: Math.max(2000, 10 * stepsInPass),
    evaluateEverySteps: Math.max(100, stepsInPass),
    patienceEvaluations: 10,
    checkpointEverySteps: 200,
  };
}
