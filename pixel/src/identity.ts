// Who and which visit: visitor id, 30-minute session and sequence number, shared by all tabs of the site.

import type { State } from "./types";
import type { Storage } from "./storage";
import { uuid } from "./uuid";

const KEY = "s";
const SESSION_GAP = 30 * 60_000;

/** Reads afresh each time: another tab may have written in between. */
export function load(storage: Storage): State {
  let state: State | undefined;
  try {
    state = JSON.parse(storage.get(KEY) as string);
  } catch {
    // somebody else's text under our key: start anew
  }
  return state && state.v ? state : { v: uuid(), f: 1, s: "", t: 0, n: 0 };
}

export function save(storage: Storage, state: State): void {
  storage.set(KEY, JSON.stringify(state));
}

/** Counts one event at `now`: next number, and a new session after the gap (or when the clock went back that far). */
export function step(state: State, now: number): State {
  if (!state.s || Math.abs(now - state.t) > SESSION_GAP) state.s = uuid();
  state.t = now;
  state.n++;
  return state;
}

/** A new visitor, for example after a log-out on a shared computer. Not `f`: here our id wins over the cookie's. */
export function renew(storage: Storage): void {
  save(storage, { v: uuid(), s: "", t: 0, n: 0 });
}

export function forget(storage: Storage): void {
  storage.remove(KEY);
}
