// What an event says about the page it happened on.

import type { Json, NativeEvent } from "./types";

export function pageContext(): Partial<NativeEvent> {
  return {
    url: location.href,
    referrer: document.referrer,
    title: document.title,
    language: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: screen.width + "x" + screen.height,
  };
}

/** What only page views say. */
export function viewProps(): Json {
  const link = document.querySelector<HTMLLinkElement>("link[rel=canonical]");
  return { viewport: innerWidth + "x" + innerHeight, canonical: (link || ({} as HTMLLinkElement)).href };
}
