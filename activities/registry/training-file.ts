/** File of a version with the job that trained it; its digest is in the signed manifest. */
export const trainingFile = 'training.json';
