// Page views: load, single-page navigation, back/forward cache, prerendering.

import { guard, on } from "./guard";

/** Calls `seen(referrer)` for every page view; referrer is undefined for a real page load. */
export function watchPages(seen: (referrer?: string) => void): void {
  let current = "";

  // A bare #anchor is the same page; #/path and #!path are how some routers name theirs.
  const address = () => location.href.replace(/#(?![/!]).*/, "");

  const check = guard(() => {
    const before = current;
    current = address();
    if (current != before) seen(before);
  });

  const later = () => setTimeout(check, 0);

  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...args: Parameters<History["pushState"]>) {
      const result = original.apply(this, args);
      // After the router has set the new title; the address is looked at then, so quick redirects count once.
      later();
      return result;
    };
  }
  on(window, "popstate", later);
  on(window, "hashchange", later);
  on(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && start());

  const start = () => {
    current = address();
    seen();
  };
  const page = document as Document & { prerendering?: boolean };
  if (page.prerendering) on(page, "prerenderingchange", start);
  else start();
}
