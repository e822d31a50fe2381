// Getting the queue to the collector: batches, one sender among all tabs, back-off, a last beacon when the page goes.
// At least once: an event leaves the queue only after an answer; the collector counts an id once however often it comes.

import type { NativeEvent, Settings } from "./types";
import type { Queue } from "./queue";
import type { Storage } from "./storage";
import { guard, on } from "./guard";
import { load, save } from "./identity";

const GATHER = 10; // ms: what happens together travels together, and most answers are back before a click leaves the page
const MOST_EVENTS = 50;
const MOST_CHARS = 16_000; // keepalive and beacon take 64 kB; a character may be three bytes
const ANSWER_TIME = 20_000; // ms until a silent request counts as failed
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 300_000;
const ORPHAN_AGE = 60_000; // without locks: another tab's events are ours to send after this time
const WAIT = "w"; // storage key: no request before this time, for all tabs

export class Transport {
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _failures = 0;
  private _busy = false;
  /** Keys that a beacon took while the page goes. */
  private _beaconed: string[] = [];
  private _leaving = false;

  constructor(
    private readonly _settings: Settings,
    private readonly _storage: Storage,
    private readonly _queue: Queue,
  ) {
    on(window, "online", () => {
      _storage.remove(WAIT);
      this.flush();
    });
    on(document, "visibilitychange", () => document.hidden && this.flush());
    // What another tab writes, or what the page before wrote in a process of its own, shows up late.
    on(window, "storage", (event) => {
      const { key, newValue } = event as StorageEvent;
      if (newValue && _storage.owns(key, "e")) this.wake(FIRST_PAUSE);
    });
    on(window, "pagehide", () => {
      this._leaving = true;
      this._beacon();
    });
    on(window, "pageshow", (event) => {
      if (!(event as PageTransitionEvent).persisted) return;
      this._leaving = false;
      this._beaconed = [];
      this.wake();
    });
  }

  /** Sends soon. */
  wake(delay = GATHER): void {
    clearTimeout(this._timer);
    if (this._leaving) this._beacon();
    else this._timer = setTimeout(() => this.flush(), delay);
  }

  /** Sends now, unless we were told to wait or another tab is at it. */
  flush(): void {
    clearTimeout(this._timer);
    if (this._busy || this._leaving || !this._queue.keys().length) return;
    const pause = this._pause();
    if (pause > 0) return this.wake(pause);
    this._busy = true;
    const done = () => {
      this._busy = false;
      if (this._queue.keys().length) this.wake(Math.max(this._pause(), FIRST_PAUSE));
    };
    // The lock is held for one round only: a page that holds one can't enter the back/forward cache. There are none on
    // plain http pages, and sandboxed frames refuse them.
    const alone = () => this._send((key) => this._queue.own.has(key) || Date.now() - +key.slice(1, 14) > ORPHAN_AGE);
    const locks = navigator.locks;
    const round = locks
      ? locks
          .request("jt" + this._settings.site, { ifAvailable: true }, (lock) => (lock ? this._send(() => true) : undefined))
          .catch(alone)
      : alone();
    round.then(done, done);
  }

  private _pause(): number {
    const pause = +(this._storage.get(WAIT) || 0) - Date.now();
    return pause > 2 * LONGEST_PAUSE ? 0 : pause; // the clock went back: better early than never
  }

  private async _send(mine: (key: string) => boolean): Promise<void> {
    for (;;) {
      const [keys, body] = this._batch(mine);
      if (!keys.length) return;
      const answer = await this._post(body);
      const status = answer ? answer.status : 0;
      if (!status && this._leaving) return; // the page goes and took the request with it: no sign of trouble
      if (status >= 500 || !status || status == 429 || status == 408) {
        const told = (+((answer && answer.headers.get("retry-after")) as string) || 0) * 1000;
        const pause = Math.min(FIRST_PAUSE * 2 ** this._failures++, LONGEST_PAUSE) * (0.5 + Math.random());
        this._storage.set(WAIT, "" + Math.round(Date.now() + Math.min(Math.max(told, pause), 2 * LONGEST_PAUSE)));
        return;
      }
      // 2xx: on disk. 4xx: it will never be taken, and must not stand in the way of the rest.
      this._failures = 0;
      this._storage.remove(WAIT);
      this._queue.drop(keys);
      if (status < 300) this._confirm((answer as Response).headers.get("x-visitor"));
    }
  }

  private async _post(body: string): Promise<Response | undefined> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_TIME);
    try {
      // A string is sent as text/plain: no preflight.
      return await fetch(this._settings.endpoint, {
        method: "POST",
        body,
        credentials: "include",
        keepalive: body.length < MOST_CHARS + 1000,
        signal: abort.signal,
      });
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  private _batch(mine: (key: string) => boolean): [string[], string] {
    const state = load(this._storage);
    const keys: string[] = [];
    const events: NativeEvent[] = [];
    let chars = 0;
    for (const key of this._queue.keys()) {
      if (!mine(key)) continue;
      const event = this._queue.get(key);
      if (!event) {
        this._queue.drop([key]);
        continue;
      }
      chars += JSON.stringify(event).length;
      if (events.length && (chars > MOST_CHARS || events.length >= MOST_EVENTS)) break;
      if (state.o && event.visitor == state.o) event.visitor = state.v;
      keys.push(key);
      events.push(event);
    }
    const envelope = { site: this._settings.site, sent_at: Date.now(), fresh: state.f ? true : undefined, events };
    return [keys, JSON.stringify(envelope)];
  }

  /** The collector knows us: from now on our id counts, or the cookie's that it told us. */
  private _confirm(visitor: string | null): void {
    const state = load(this._storage);
    if (!state.f) return;
    delete state.f;
    if (visitor && visitor != state.v) {
      state.o = state.v;
      state.v = visitor;
    }
    save(this._storage, state);
  }

  /**
   * The page goes: hand over all that is ours and not acknowledged, posted or not, because browsers abort posts of a page that
   * goes, keepalive or not. It stays queued, because nobody will hear the answer either.
   */
  private readonly _beacon = guard(() => {
    if (this._pause() > 0 || !navigator.onLine) return;
    const [keys, body] = this._batch((key) => this._queue.own.has(key) && !this._beaconed.includes(key));
    if (keys.length && navigator.sendBeacon(this._settings.endpoint, body)) this._beaconed.push(...keys);
  });
}
