// Who and which visit: visitor id, 30-minute session and sequence number, shared by all tabs of the site.

import type { State, Touch } from "./types";
import type { Storage } from "./storage";
import { decode } from "./text";
import { withoutClickIds } from "./touch";
import { uuid } from "./uuid";

/** storage key */
export const STATE = "s";
const SESSION_GAP = 30 * 60_000;

/** Reads afresh each time: another tab may have written in between. */
export function load(storage: Storage): State {
  const state = decode<State>(storage.get(STATE)); // somebody else's text under our key: start anew
  return state && state.v ? state : { ...stranger(), f: true };
}

export function save(storage: Storage, state: State): void {
  storage.set(STATE, JSON.stringify(state));
}

/**
 * Counts one event at `now`: next number, and a new session after the gap (or when the clock went back that far), after
 * midnight, and when the visitor came through another campaign.
 */
export function step(state: State, now: number, touch?: Touch, ads?: boolean): State {
  if (!ads) [state.first, state.last].forEach(withoutClickIds);
  const again = touch && JSON.stringify(touch) != JSON.stringify(state.last);
  if (again) {
    state.first = state.first || touch;
    state.last = touch;
  }
  if (!state.s || again || Math.abs(now - state.t) > SESSION_GAP || day(now) != day(state.t)) state.s = uuid();
  state.t = now;
  state.n++;
  return state;
}

const day = (time: number) => new Date(time).toDateString();

/** A new visitor, for example after a log-out on a shared computer. Not `f`: there our id wins over the cookie's. */
export const stranger = (): State => ({ v: uuid(), s: "", t: 0, n: 0 });
