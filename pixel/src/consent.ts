// What the visitor said, on this page and before.

import type { Consent } from "./types";
import type { Storage } from "./storage";

const KEY = "c";

export function remembered(storage: Storage): Consent {
  try {
    return JSON.parse(storage.get(KEY) as string) || {};
  } catch {
    return {};
  }
}

/** True when this is news: the page may repeat the choice on every load. */
export function remember(storage: Storage, choice: Consent): boolean {
  const text = JSON.stringify([choice.analytics, choice.ads, choice.tcf, choice.gpp]);
  const known = remembered(storage);
  storage.set(KEY, JSON.stringify(choice));
  return text != JSON.stringify([known.analytics, known.ads, known.tcf, known.gpp]);
}

/** What an event says: the choice, and "no ads" for a browser that asks not to be sold or shared and was not overruled. */
export function spoken(choice: Consent): Consent {
  const signal = (navigator as Navigator & { globalPrivacyControl?: boolean }).globalPrivacyControl;
  return signal && choice.ads === undefined ? { ...choice, ads: false } : choice;
}
