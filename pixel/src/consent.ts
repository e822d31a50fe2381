// What the visitor said, on this page and before.

import type { Consent } from "./types";
import type { Storage } from "./storage";
import { decode } from "./text";

const KEY = "c";

export function remembered(storage: Storage): Consent {
  return decode<Consent>(storage.get(KEY)) || {};
}

/** True when this is news: the page may repeat the choice on every load. */
export function remember(storage: Storage, choice: Consent): boolean {
  const text = JSON.stringify(choice, ["analytics", "ads", "tcf", "gpp"]); // in this order, whatever the page's was
  const news = text != storage.get(KEY);
  storage.set(KEY, text);
  return news;
}

/** What an event says: the choice, and "no ads" for a browser that asks not to be sold or shared and was not overruled. */
export function spoken(choice: Consent): Consent {
  const signal = (navigator as Navigator & { globalPrivacyControl?: boolean }).globalPrivacyControl;
  return signal && choice.ads == null ? { ...choice, ads: false } : choice;
}
