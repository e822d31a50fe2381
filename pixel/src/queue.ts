// Events that no collector has acknowledged yet. One storage key an event: an append is one atomic write, so tabs never
// overwrite each other, and what a killed tab left behind is sent by the next page.

import type { NativeEvent } from "./types";
import type { Storage } from "./storage";
import { decode, encode } from "./text";

const START = "e";
/** Oldest go first when a collector is away for very long: storage is the page's, not ours. */
const MOST = 500;

export type Queue = ReturnType<typeof makeQueue>;

export function makeQueue(storage: Storage) {
  /** Keys that this tab wrote. */
  const own = new Set<string>();

  /** Oldest first (keys begin with the time, 13 digits until the year 2286). */
  const waiting = () => storage.names(START).sort();

  const drop = (gone: string[]) =>
    gone.forEach((key) => {
      storage.remove(key);
      own.delete(key);
    });

  return {
    own,
    waiting,
    drop,
    put(event: NativeEvent): void {
      const key = START + event.ts + event.id;
      storage.set(key, encode(event));
      own.add(key);
      drop(waiting().slice(0, -MOST));
    },
    get: (key: string) => decode<NativeEvent>(storage.get(key)),
  };
}
