import { defaultPayloadConverter } from '@temporalio/common';

/** One event of a recorded history, as its JSON has it. */
type Event = { readonly eventId: string; readonly eventType: string } & Readonly<Record<string, unknown>>;
type Attributes = Readonly<Record<string, unknown>>;

/**
 * What a slip in workflow code does, turned round: the history is changed as if another code had written it, and the code of today must
 * be told apart from it. `undefined`: the history has nothing of that kind.
 */
export const slips: Readonly<Record<string, (events: readonly Event[]) => readonly Event[] | undefined>> = {
  'a timer of another length': (events) =>
    changeFirst(events, 'timerStartedEventAttributes', (timer) => ({ ...timer, startToFireTimeout: '86399s' })),
  'another input of an activity': (events) =>
    changeFirst(events, 'activityTaskScheduledEventAttributes', (activity) => ({ ...activity, input: otherPayload })),
  'another input of a child': (events) =>
    changeFirst(events, 'startChildWorkflowExecutionInitiatedEventAttributes', (child) => ({
      ...child,
      input: otherPayload,
    })),
  'another result': (events) =>
    changeFirst(events, 'workflowExecutionCompletedEventAttributes', (end) => ({ ...end, result: otherPayload })),
  'another state for the next run': (events) =>
    changeFirst(events, 'workflowExecutionContinuedAsNewEventAttributes', (next) => ({ ...next, input: otherPayload })),
  'a timer that the code no longer starts': (events) => repeatFirst(events, 'timerStartedEventAttributes', 'timerId'),
  'an activity that the code no longer asks for': (events) =>
    repeatFirst(events, 'activityTaskScheduledEventAttributes', 'activityId'),
  'a timer that the code starts anew': (events) => leaveOut(events, 'timerStartedEventAttributes', 'startedEventId'),
  'an activity that the code asks for anew': (events) =>
    leaveOut(events, 'activityTaskScheduledEventAttributes', 'scheduledEventId'),
};

const otherPayload = { payloads: [jsonOf(defaultPayloadConverter.toPayload({ another: 'content' }))] };

function jsonOf({ metadata, data }: ReturnType<typeof defaultPayloadConverter.toPayload>): unknown {
  const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  return { metadata: { encoding: base64(metadata?.['encoding']) }, data: base64(data) };
}

const attributesOf = (event: Event, name: string): Attributes | undefined => event[name] as Attributes | undefined;

function changeFirst(
  events: readonly Event[],
  name: string,
  change: (attributes: Attributes) => Attributes,
): readonly Event[] | undefined {
  const index = events.findIndex((event) => attributesOf(event, name) !== undefined);
  const event = events[index];
  const attributes = event === undefined ? undefined : attributesOf(event, name);
  return event === undefined || attributes === undefined
    ? undefined
    : events.with(index, { ...event, [name]: change(attributes) });
}

/** The first command of a kind once more, behind itself. */
function repeatFirst(events: readonly Event[], name: string, idName: string): readonly Event[] | undefined {
  const index = events.findIndex((event) => attributesOf(event, name) !== undefined);
  const event = events[index];
  if (event === undefined) return undefined;
  const again: Event = { ...event, [name]: { ...attributesOf(event, name), [idName]: '4711' } };
  return renumbered([...events.slice(0, index + 1), again, ...events.slice(index + 1)], index + 1);
}

/** Without the first command of a kind and what became of it. */
function leaveOut(events: readonly Event[], name: string, reference: string): readonly Event[] | undefined {
  const first = events.find((event) => attributesOf(event, name) !== undefined);
  if (first === undefined) return undefined;
  const family = name.startsWith('timer') ? 'timer' : 'activityTask';
  const isOfIt = (event: Event): boolean =>
    event === first ||
    Object.entries(event).some(
      ([key, value]) => key.startsWith(family) && (value as Attributes)[reference] === first.eventId,
    );
  return renumbered(events.filter((event) => !isOfIt(event)));
}

/** Event ids in a row again, references to them too. `added`: index of an event whose id stands twice. */
function renumbered(events: readonly Event[], added?: number): readonly Event[] {
  const ids = new Map<string, string>();
  for (const [index, { eventId }] of events.entries()) if (index !== added) ids.set(eventId, String(index + 1));
  return events.map((event, index) =>
    Object.fromEntries(
      Object.entries(event).map(([key, value]) => {
        if (key === 'eventId') return [key, String(index + 1)];
        if (!key.endsWith('Attributes')) return [key, value];
        const renamed = Object.entries(value as Attributes).map(([field, id]) => [
          field,
          field.endsWith('EventId') && typeof id === 'string' ? (ids.get(id) ?? id) : id,
        ]);
        return [key, Object.fromEntries(renamed)];
      }),
    ),
  ) as unknown as readonly Event[];
}
