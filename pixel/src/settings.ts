// What the page says in its script tag.

import type { Settings } from "./types";

/** The tag that loaded us. `currentScript` is empty when a tag manager injected the code: then we look for our address. */
export function ownTag(): HTMLScriptElement | null {
  return (document.currentScript as HTMLScriptElement | null) || document.querySelector('script[src*="/p.js"]');
}

/** Undefined when the tag names no site: there is nobody to send to. */
export function readSettings(tag: HTMLScriptElement | null): Settings | undefined {
  if (!tag) return undefined;
  const address = new URL(tag.src, location.href);
  const data = tag.dataset;
  const site = data.site || address.searchParams.get("site");
  if (!site) return undefined;
  return {
    site,
    endpoint: new URL("e", address).href,
    optIn: data.consent !== "opt-out",
    pages: data.page !== "off",
    currency: data.currency,
  };
}
