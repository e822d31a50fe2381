// The words that the files share. Field names of NativeEvent are the wire format of POST /e.

export type Json = Record<string, unknown>;

/** What the visitor agreed to. A missing field means that nobody asked yet. */
export interface Consent {
  analytics?: boolean;
  ads?: boolean;
  tcf?: string;
  gpp?: string;
}

/** Campaign tags and click ids of one visit, as they stood in the address. */
export type Touch = Record<string, string>;

export interface NativeEvent {
  id: string;
  type: "page" | "track" | "identify" | "alias" | "group" | "consent";
  name: string;
  /** Milliseconds since the epoch, frozen when the page called us. */
  ts: number;
  visitor?: string;
  session?: string;
  /** Counts up per visitor: orders events of the same millisecond. */
  seq?: number;
  user?: string;
  previous?: string;
  group?: string;
  url?: string;
  referrer?: string;
  title?: string;
  language?: string;
  timezone?: string;
  screen?: string;
  props?: Json;
  items?: unknown;
  value?: number;
  currency?: string;
  traits?: Json;
  consent?: Consent;
}

/** What we keep on the device, one record a site; short names because it is written with every event. */
export interface State {
  /** visitor */
  v: string;
  /** 1 while we made the visitor id ourselves and no collector has confirmed it: a cookie's id then wins */
  f?: true;
  /** the id we had before the collector told us the cookie's */
  o?: string;
  /** session */
  s: string;
  /** time of the last event */
  t: number;
  /** events so far */
  n: number;
  user?: string;
  group?: string;
  first?: Touch;
  last?: Touch;
}

/** A partner whose image matches ids; `vendor` is its number in the TCF's list. */
export interface Partner {
  name: string;
  url: string;
  vendor?: number;
}

/** What the collector says about the site: tracker/core/pixel.py, docs/pixel.md. Each module reads its own part. */
export interface SiteSettings {
  consent?: string;
  currency?: string;
  /** Who was not asked and asks not to be tracked (the settings line looks) has said no; an explicit answer is heard later and wins. */
  said?: Consent;
  /** [path, integrity] of the modules to load */
  modules?: [string, string][];
  /** the same, loaded without waiting for consent: only what whoever opens the page has asked for, like debugging */
  now?: [string, string][];
  autocapture?: string[];
  datalayer?: string;
  cmp?: string[];
  vendor?: number;
  link_domains?: string[];
  link_key?: string;
  calling_code?: string;
  partners?: Partner[];
}

export interface Settings extends SiteSettings {
  /** the address at which the script came: the page may have changed it by the time that we begin */
  first: string;
  site: string;
  /** the folder that the script came from; events go to `base + "e"` */
  base: string;
  optIn: boolean;
  /** data-page="off": the page calls page() itself */
  pages: boolean;
}

export type Draft = Pick<NativeEvent, "id" | "type" | "name" | "ts"> & Partial<NativeEvent>;

/** What a module gets. Whatever it does with it, consent is checked behind it. */
export interface Core {
  readonly settings: Settings;
  /** the device after consent, memory before it */
  readonly storage: { get(key: string): string | undefined; set(key: string, value: string): void };
  /** called with every event when it happens; may change it */
  readonly hooks: ((draft: Draft) => void)[];
  /** called with what became of each request: status (0: no answer), number of events, the answer itself */
  readonly answers: ((status: number, events: number, answer: Response) => void)[];
  /** page views and queued calls wait for this */
  before?: Promise<unknown>;
  /** who and which session it is, if a linked site said so */
  seed?: Partial<State>;
  emit(type: NativeEvent["type"], fields?: Partial<NativeEvent>, name?: string): void;
  track(name: string, props?: Json): void;
  identify(user: unknown, traits?: Json): void;
  consent(choice: Consent): void;
  command(name: string, ...args: unknown[]): void;
  ready(work: (who: { visitor?: string; session?: string; user?: string; consent: Consent }) => void): void;
}

export type Module = (core: Core) => void;
