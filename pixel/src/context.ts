// What an event says about the page it happened on.

import type { Json, NativeEvent } from "./types";

declare global {
  var Temporal: { Now: { timeZoneId(): string } }; // missing in browsers before 2025
}

export function pageContext(): Partial<NativeEvent> {
  return {
    url: location.href,
    referrer: document.referrer,
    title: document.title,
    language: navigator.language,
    // 0.1 ms, where Intl, when it is the first to ask, takes 30 (Chromium 156)
    timezone: self.Temporal ? Temporal.Now.timeZoneId() : Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: screen.width + "x" + screen.height,
  };
}

/** What only page views say. */
export function viewProps(): Json {
  const link = document.querySelector<HTMLLinkElement>("link[rel=canonical]");
  return { viewport: innerWidth + "x" + innerHeight, canonical: (link || ({} as HTMLLinkElement)).href };
}
