/** Where the script comes from, and what its tag says. See docs/pixel.md. */
export interface Options {
  /** the collector's address, like https://events.shop.example */
  collector: string;
  /** the site's write key */
  site: string;
  consent?: "opt-in" | "opt-out";
  /** no automatic page views */
  page?: "off";
  currency?: string;
  /** of a pinned script, both as the Install page shows them */
  path?: string;
  integrity?: string;
}

export interface Consent {
  analytics?: boolean;
  ads?: boolean;
  tcf?: string;
  gpp?: string;
}

export interface Who {
  visitor?: string;
  session?: string;
  user?: string;
  consent: Consent;
}

export interface Item {
  item_id?: string;
  item_name?: string;
  price?: number;
  quantity?: number;
  [more: string]: unknown;
}

export interface Commerce {
  items?: Item[];
  value?: number;
  currency?: string;
  [more: string]: unknown;
}

type Properties = Record<string, unknown>;

/** GA4's names, purchase and refund; other names with an underscore too. */
export type CommerceName = `${string}_${string}` | "purchase" | "refund";

export interface Jt {
  (command: "track", name: string, properties?: Properties): void;
  (command: "page", properties?: Properties): void;
  (command: "identify", user?: string | number | null, traits?: Properties): void;
  (command: "alias", user: string | number, previous?: string | number): void;
  (command: "group", group: string | number, traits?: Properties): void;
  (command: "reset"): void;
  (command: "consent", choice: Consent): void;
  (command: "ready", work: (who: Who) => void): void;
  (command: "survey", id?: string): void;
  (command: "feedback" | "callback" | "banner" | "optout"): void;
  (command: CommerceName, event?: Commerce): void;
}

/** Puts the script on the page, once, and gives its command function. */
export function load(options: Options): Jt;
export const jt: Jt;
