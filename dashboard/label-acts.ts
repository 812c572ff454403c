import type { LabelsAnswer } from '../console/answers/labels.ts';
import { roleWhy, type OfferedAct, type Viewer } from './acts.ts';

/** What a person has filled in at the label desk. */
export interface LabelForm {
  readonly first: string;
  readonly last: string;
  /** A name, or values like `0.1, 2`. */
  readonly action: string;
  readonly failureReason: string;
}

export const emptyForm: LabelForm = { first: '', last: '', action: '', failureReason: '' };

interface Of {
  readonly policy: string;
  readonly episodeId: string;
  readonly day: string;
  readonly split: string;
  readonly frameCount: number;
  readonly kind: 'discrete' | 'continuous' | 'none';
}

/** Frames as they are typed: the first and the last one; null: not, or not yet. */
export function framesOf(
  { first, last }: Pick<LabelForm, 'first' | 'last'>,
  frameCount: number,
): { readonly start: number; readonly end: number } | null {
  if (!/^\d{1,9}$/.test(first) || !/^\d{1,9}$/.test(last)) return null;
  const [start, end] = [Number(first), Number(last) + 1];
  return end > start && end <= frameCount ? { start, end } : null;
}

/** Values of a continuous action as they are typed; null: these are none. */
export function valuesOf(text: string): readonly number[] | null {
  const parts = text
    .replace(/^\s*\[|\]\s*$/g, '')
    .split(/[,;\s]+/)
    .filter((part) => part !== '');
  const values = parts.map(Number);
  return values.length > 0 && values.every(Number.isFinite) ? values : null;
}

/** Says what the robot should have done in some frames. */
export function framesAct(form: LabelForm, of: Of, viewer: Viewer | null): OfferedAct {
  const frames = framesOf(form, of.frameCount);
  const action = of.kind === 'continuous' ? valuesOf(form.action) : form.action === '' ? null : form.action;
  return {
    label: 'Label these frames',
    effect: `In frames ${form.first} to ${form.last} the robot should have done: ${form.action}. From the next training set on this is learned as a correction by hand.`,
    path: '/api/v1/labels',
    body: { policy: of.policy, episodeId: of.episodeId, day: of.day, said: { ...frames, action } },
    why:
      roleWhy(viewer, 'operator') ??
      (of.kind === 'none' ? 'the recordings of this robot type have no actions' : null) ??
      (of.split === 'heldout' ? 'this episode is kept for measuring' : null) ??
      (frames === null ? `mark the first and the last frame, from 0 to ${of.frameCount - 1}` : null) ??
      (action === null ? 'say what it should have done' : null),
  };
}

/** Says why an episode failed. */
export const failureAct = (
  { failureReason }: LabelForm,
  { policy, episodeId, day }: Of,
  viewer: Viewer | null,
): OfferedAct => ({
  label: 'Label the failure',
  effect: `The episode failed because of: ${failureReason.trim()}.`,
  path: '/api/v1/labels',
  body: { policy, episodeId, day, said: { failureReason: failureReason.trim() } },
  why: roleWhy(viewer, 'operator') ?? (failureReason.trim() === '' ? 'say why it failed' : null),
});

/** With why somebody says so, without which no label is kept. */
export const withNote = (act: OfferedAct, note: string): OfferedAct => ({
  ...act,
  body: { ...act.body, reason: note.trim() },
  why: act.why ?? (note.trim() === '' ? 'say why you say so' : null),
});

export const takeBackAct = (
  { labelId, who }: LabelsAnswer['items'][number],
  policy: string,
  viewer: Viewer | null,
): OfferedAct => ({
  label: 'Take back',
  effect: `The label of ${who} no longer holds from the next training set on. The log keeps it.`,
  path: `/api/v1/labels/${encodeURIComponent(labelId)}/remove`,
  body: { policy },
  why: roleWhy(viewer, 'operator'),
});
