// The commands, and the one road that every event takes: allowed? -> numbered -> queued -> sent.

import type { Consent, Json, NativeEvent, Settings, State } from "./types";
import { remember, remembered, spoken } from "./consent";
import { pageContext } from "./context";
import { COMMERCE, lift } from "./ecommerce";
import { forget, load, renew, save, step } from "./identity";
import { watchPages } from "./pages";
import { Queue } from "./queue";
import { Storage } from "./storage";
import { Transport } from "./transport";
import { uuid } from "./uuid";

type Draft = Pick<NativeEvent, "id" | "type" | "name" | "ts"> & Partial<NativeEvent>;

/** Events that may wait in memory for the visitor's answer. */
const MOST_HELD = 100;

export class Client {
  private readonly _storage: Storage;
  private readonly _queue: Queue;
  private readonly _transport: Transport;
  private _consent: Consent = {};
  private _held: Draft[] = [];

  constructor(private readonly _settings: Settings) {
    this._storage = new Storage("jt_" + _settings.site + "_");
    this._queue = new Queue(this._storage);
    this._transport = new Transport(_settings, this._storage, this._queue);
    if (!_settings.optIn) {
      this._storage.allow(true);
      this._consent = remembered(this._storage);
      if (!this._open()) this._storage.allow(false);
    }
  }

  start(): void {
    if (this._settings.pages) watchPages((referrer) => this.page({}, referrer));
    if (this._open()) this._transport.wake(); // what an earlier page left behind
  }

  track(name: string, props: Json = {}, helper = false): void {
    this._emit("track", name, lift(props || {}, helper, this._settings.currency));
  }

  page(props?: Json, referrer?: string): void {
    this._emit("page", "page_view", { ...pageContext(referrer), props: props || {} });
  }

  identify(user: unknown, traits?: Json): void {
    this._emit("identify", "identify", { user: user ? String(user) : undefined, traits: traits || {} });
  }

  alias(user: unknown, previous?: unknown): void {
    this._emit("alias", "alias", { user: String(user), previous: previous ? String(previous) : undefined });
  }

  group(group: unknown, traits?: Json): void {
    this._emit("group", "group", { group: String(group), traits: traits || {} });
  }

  reset(): void {
    this._held = [];
    if (this._open()) renew(this._storage);
  }

  consent(choice: Consent): void {
    const before = this._consent;
    const was = this._open();
    this._consent = { ...before, ...choice };
    if (this._open()) {
      if (!was && before.analytics === false) forget(this._storage); // agreed again: nobody we knew
      this._storage.allow(true);
      const news = remember(this._storage, this._consent);
      this._held.splice(0).forEach((draft) => this._record(draft));
      if (news) this._emit("consent", "consent", {});
    } else if (this._consent.analytics === false) {
      this._withdraw(was);
    }
  }

  ready(work: (who: Json) => void): void {
    const state: Partial<State> = this._open() ? load(this._storage) : {};
    work({ visitor: state.v, session: state.s, user: state.user, consent: spoken(this._consent) });
  }

  /** One call as the page wrote it: jt("track", "name", {...}). Unknown commands do nothing. */
  command(name: string, ...args: unknown[]): void {
    if (/^(track|page|identify|alias|group|reset|consent|ready)$/.test(name)) {
      (this[name as "track"] as (...args: unknown[]) => void)(...args);
    } else if (COMMERCE.test(name)) {
      this.track(name, args[0] as Json, true);
    }
  }

  private _open(): boolean {
    return this._settings.optIn ? this._consent.analytics === true : this._consent.analytics !== false;
  }

  private _emit(type: NativeEvent["type"], name: string, fields: Partial<NativeEvent>): void {
    const draft = { id: uuid(), type, name: String(name), ts: Date.now(), ...pageContext(), ...fields };
    if (this._open()) this._record(draft);
    else if (this._consent.analytics === undefined && this._held.length < MOST_HELD) this._held.push(draft);
  }

  private _record(draft: Draft): void {
    const state = step(load(this._storage), draft.ts);
    if (draft.user) state.user = draft.user;
    if (draft.group) state.group = draft.group;
    if (draft.type == "alias" && !draft.previous) draft.previous = state.v;
    save(this._storage, state);
    this._queue.put(this._signed(draft, state));
    this._transport.wake();
  }

  private _signed(draft: Draft, state: State): NativeEvent {
    const { v: visitor, s: session, n: seq, user, group } = state;
    return { visitor, session, seq, user, group, ...draft, consent: spoken(this._consent) };
  }

  /** Nothing stays on the device; if we were tracking, the collector is told so, from memory. */
  private _withdraw(was: boolean): void {
    this._held = [];
    const state = was ? step(load(this._storage), Date.now()) : undefined;
    this._storage.clear();
    if (!this._settings.optIn) remember(this._storage, this._consent); // else the next page would start again
    this._storage.allow(false);
    if (state) {
      save(this._storage, state);
      this._queue.put(this._signed({ id: uuid(), type: "consent", name: "consent", ts: Date.now() }, state));
      this._transport.wake();
    }
  }
}
