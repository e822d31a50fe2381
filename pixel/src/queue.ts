// Events that no collector has acknowledged yet. One storage key an event: an append is one atomic write, so tabs never
// overwrite each other, and what a killed tab left behind is sent by the next page.

import type { NativeEvent } from "./types";
import type { Storage } from "./storage";
import { encode } from "./text";

const START = "e";
/** Oldest go first when a collector is away for very long: storage is the page's, not ours. */
const MOST = 500;

export class Queue {
  /** Keys that this tab wrote. */
  readonly own = new Set<string>();

  constructor(private readonly _storage: Storage) {}

  put(event: NativeEvent): void {
    const key = START + event.ts + event.id;
    this._storage.set(key, encode(event));
    this.own.add(key);
    const all = this.keys();
    if (all.length > MOST) this.drop(all.slice(0, all.length - MOST));
  }

  /** Oldest first (keys begin with the time, 13 digits until the year 2286). */
  keys(): string[] {
    return this._storage.keys(START).sort();
  }

  get(key: string): NativeEvent | undefined {
    try {
      return JSON.parse(this._storage.get(key) as string) || undefined;
    } catch {
      return undefined;
    }
  }

  drop(keys: string[]): void {
    keys.forEach((key) => {
      this._storage.remove(key);
      this.own.delete(key);
    });
  }
}
