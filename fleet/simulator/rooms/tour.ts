import type { Surroundings } from '../surroundings.ts';

/** A robot that goes on to the next of its places with every episode, in a ring; the places are made when it first comes there. */
export function tour(places: readonly (() => Surroundings)[], start: number): Surroundings {
  const known: Surroundings[] = [];
  let position = start % places.length;
  const placeAt = (index: number): Surroundings => {
    const place = known[index] ?? places[index]?.();
    if (place === undefined) throw new Error('expected at least one place to tour, got none');
    known[index] = place;
    return place;
  };
  let here = placeAt(position);
  let isFirst = true;
  return {
    get readings() {
      return here.readings;
    },
    place: () => here.place(),
    expertAction: () => here.expertAction(),
    failure: () => here.failure(),
    see: (camera) => here.see?.(camera),
    begin() {
      if (!isFirst) position = (position + 1) % places.length;
      isFirst = false;
      here = placeAt(position);
      here.begin();
    },
    act: (action) => here.act(action),
  };
}
