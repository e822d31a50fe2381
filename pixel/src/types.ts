// The words that the files share. Field names of NativeEvent are the wire format of POST /e.

export type Json = Record<string, unknown>;

/** What the visitor agreed to. A missing field means that nobody asked yet. */
export interface Consent {
  analytics?: boolean;
  ads?: boolean;
  tcf?: string;
  gpp?: string;
}

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
  f?: 1;
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
}

export interface Settings {
  site: string;
  endpoint: string;
  optIn: boolean;
  /** data-page="off": the page calls page() itself */
  pages: boolean;
  currency?: string;
}
