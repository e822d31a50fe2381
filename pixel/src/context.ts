// What an event says about the page it happened on.

import type { NativeEvent } from "./types";

/** `referrer` is given by single-page navigation; a loaded page has its own. */
export function pageContext(referrer?: string): Partial<NativeEvent> {
  return {
    url: location.href,
    referrer: referrer === undefined ? document.referrer : referrer,
    title: document.title,
    language: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: screen.width + "x" + screen.height,
  };
}
