// What the collector says about the site (in the line before the core) and the page in its script tag. The tag wins.

import type { Settings, SiteSettings } from "./types";

type Tag = HTMLScriptElement & { jt?: SiteSettings };

/** The tag that loaded us. `currentScript` is empty when a tag manager injected the code: then we look for our address. */
export function ownTag(): Tag {
  return (document.currentScript || document.querySelector('script[src*="/p."]')) as Tag;
}

/** Undefined when the tag names no site: there is nobody to send to. Throws where there is no tag. */
export function readSettings(tag: Tag, first: string): Settings | undefined {
  const address = new URL(tag.src);
  const data = tag.dataset;
  const given = tag.jt || {};
  const site = data.site || address.searchParams.get("site");
  if (!site) return undefined;
  return {
    ...given,
    first,
    site,
    base: new URL(".", address).href,
    optIn: (data.consent || given.consent) !== "opt-out",
    pages: data.page !== "off",
    currency: data.currency || given.currency,
  };
}
