// Reading along in an array that the page fills by push: dataLayer and its like.

import { guard } from "./guard";

/** Calls `read` for each entry that is there and for each that comes; the page's own push keeps its answer. */
export function eachPushed(name: string, read: (entry: unknown) => void): void {
  const page = window as unknown as Record<string, unknown[]>;
  const layer = (page[name] = page[name] || []);
  const seen = guard(read);
  layer.forEach(seen);
  const push = layer.push;
  layer.push = function (this: unknown[], ...entries: unknown[]) {
    const result = push.apply(this, entries);
    entries.forEach(seen);
    return result;
  };
}
