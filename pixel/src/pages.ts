// Page views: load, single-page navigation, back/forward cache, prerendering.

import type { NativeEvent } from "./types";
import { guard, on } from "./guard";

/** Calls `seen` for every page view, with what is special about it. `url` is the address at which we came. */
export function watchPages(seen: (fields?: Partial<NativeEvent>) => void, url: string): void {
  // A bare #anchor is the same page; #/path and #!path are how some routers name theirs.
  const address = (url = location.href) => url.replace(/#(?![/!]).*/, "");

  let current = address(url);

  const check = guard(() => {
    const referrer = current;
    current = address();
    if (current != referrer) seen({ referrer }); // a loaded page has its own
  });

  const later = () => setTimeout(check);

  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...args: Parameters<History["pushState"]>) {
      // When the router has set the new title; the address is looked at then, so quick redirects count once.
      later();
      return original.apply(this, args);
    };
  }
  on(window, "popstate", later);
  on(window, "hashchange", later);
  on(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && seen());

  const page = document as Document & { prerendering?: boolean };
  if (page.prerendering) on(page, "prerenderingchange", () => seen());
  else {
    seen({ url });
    check(); // the address may have changed while we waited
  }
}
