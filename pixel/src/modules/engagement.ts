// How long a page was really looked at, and how far down. Time counts while the page is visible and somebody moved in it
// within the last minute. Told when the page is left or hidden; several reports of one page add up.

import { on } from "../guard";
import { use } from "../use";

const IDLE = 60_000; // ms without a movement until we believe that nobody is there
const LEAST = 100; // ms worth a report

use("engagement", (core) => {
  let since = 0;
  let moved = 0;
  let engaged = 0;
  let depth = 0;
  let told = 0;
  let place = { url: location.href, title: document.title };

  const stop = () => {
    if (since) engaged += Math.max(0, Math.min(performance.now(), moved + IDLE) - since);
    since = 0;
  };
  const go = () => {
    const now = performance.now();
    if (since && now > moved + IDLE) stop();
    moved = now;
    if (!since && !document.hidden) since = now;
  };
  const look = () => {
    const page = document.documentElement;
    depth = Math.max(depth, Math.min(100, Math.round((100 * (scrollY + innerHeight)) / (page.scrollHeight || 1))));
  };
  const report = () => {
    stop();
    if (engaged < LEAST && depth <= told) return;
    const props = { engagement_seconds: Math.round(engaged / 100) / 10, scroll_percent: depth };
    engaged = 0;
    told = depth;
    core.emit("track", { ...place, props }, "user_engagement");
  };

  let waiting = 0;
  on(document, "scroll", () => {
    go();
    // Once a frame: asking for the height may cost a layout.
    waiting = waiting || requestAnimationFrame(() => (look(), (waiting = 0)));
  }, { passive: true, capture: true });
  for (const name of ["pointermove", "pointerdown", "keydown", "focus"]) on(window, name, go, { passive: true });
  on(document, "visibilitychange", () => (document.hidden ? report() : go()));
  on(window, "pagehide", report);
  on(window, "pageshow", go);
  core.hooks.push((draft) => {
    if (draft.type != "page") return;
    report();
    depth = told = 0;
    place = { url: draft.url as string, title: draft.title as string };
    go();
    look();
  });
  go();
  look();
});
