import { McapProblem } from './byte-cursor.ts';
import type { PathStep } from './field-path.ts';
import type { MessageType, ReadFields, Value } from './message-type.ts';

/** Elements of a list of names that are looked at. */
const mostNames = 256;
/** Orders of names that are kept, so that two senders on one topic do not cost a search a message. */
const mostOrders = 16;

/** An element by its name: of which value, and where it stood last. */
interface Named {
  readonly place: number;
  readonly text: string;
  /** The way to the list of names, without the element. */
  readonly list: readonly PathStep[];
  readonly at: number;
  index: number;
}

/** Reads values of messages, those of elements by their names too. */
export interface NamedFields {
  /** As `MessageType.fields`; an element whose name a message does not have is undefined. */
  readonly read: ReadFields;
  /** The first name that a message does not have; undefined where it has all. */
  readonly missing: (message: Uint8Array) => string | undefined;
}

/**
 * {@link MessageType.fields} for ways of which some go to an element by its name, such as `position[name=elbow]`: the name is read beside the value and
 * looked for anew when another stands there, so that the order of a list may change. Of names that are there twice the first counts.
 */
export function namedFields(type: MessageType, ways: readonly (readonly PathStep[])[]): NamedFields {
  const named = ways.flatMap((steps, place) => namedOf(steps, place));
  if (named.length === 0) return { read: type.fields(ways), missing: () => undefined };
  const reader = new NamedReader(type, ways, named);
  return {
    read: (message, into) => {
      reader.settle(message);
      for (let place = 0; place < ways.length; place += 1) into[place] = reader.values[place];
      for (const each of named) if (!reader.isAt(each)) into[each.place] = undefined;
    },
    missing: (message) => {
      reader.settle(message);
      return named.find((each) => !reader.isAt(each))?.text;
    },
  };
}

function namedOf(steps: readonly PathStep[], place: number): readonly Named[] {
  const at = steps.findIndex(({ key }) => key !== undefined);
  const key = steps[at]?.key;
  if (key === undefined) return [];
  const list = [...steps.slice(0, at), { name: key.list, index: undefined }];
  return [{ place, text: key.text, list, at, index: 0 }];
}

const elementOf = (list: readonly PathStep[], index: number): readonly PathStep[] =>
  list.map((step, place) => (place === list.length - 1 ? { name: step.name, index } : step));

/** Every element that may be there; a definition may say that there are fewer. */
function elementsOf(type: MessageType, list: readonly PathStep[]): readonly (readonly PathStep[])[] {
  const ways: (readonly PathStep[])[] = [];
  for (let index = 0; index < mostNames; index += 1) {
    const way = elementOf(list, index);
    try {
      type.fields([way]);
    } catch (error) {
      if (!(error instanceof McapProblem)) throw error;
      break;
    }
    ways.push(way);
  }
  return ways;
}

class NamedReader {
  readonly values: Value[] = [];
  readonly #type: MessageType;
  readonly #ways: readonly (readonly PathStep[])[];
  readonly #named: readonly Named[];
  readonly #orders = new Map<string, ReadFields>();
  readonly #searches = new Map<string, ReadFields>();

  constructor(type: MessageType, ways: readonly (readonly PathStep[])[], named: readonly Named[]) {
    this.#type = type;
    this.#ways = ways;
    this.#named = named;
    // Says at once which way leads nowhere.
    this.#reader();
  }

  isAt(named: Named): boolean {
    return this.values[this.#ways.length + this.#named.indexOf(named)] === named.text;
  }

  settle(message: Uint8Array): void {
    this.#reader()(message, this.values);
    const misplaced = this.#named.filter((each) => !this.isAt(each));
    if (misplaced.length === 0) return;
    for (const each of misplaced) each.index = Math.max(0, this.#namesIn(message, each.list).indexOf(each.text));
    this.#reader()(message, this.values);
  }

  #namesIn(message: Uint8Array, list: readonly PathStep[]): readonly Value[] {
    const id = JSON.stringify(list);
    const read = this.#searches.get(id) ?? this.#type.fields(elementsOf(this.#type, list));
    this.#searches.set(id, read);
    const names: Value[] = [];
    read(message, names);
    return names;
  }

  #reader(): ReadFields {
    const order = this.#named.map(({ index }) => index).join();
    const known = this.#orders.get(order);
    if (known !== undefined) return known;
    const ways = [...this.#ways];
    for (const { place, at, index } of this.#named)
      ways[place] = (ways[place] ?? []).map((step, depth) => (depth === at ? { name: step.name, index } : step));
    const read = this.#type.fields([...ways, ...this.#named.map(({ list, index }) => elementOf(list, index))]);
    if (this.#orders.size >= mostOrders) this.#orders.clear();
    this.#orders.set(order, read);
    return read;
  }
}
