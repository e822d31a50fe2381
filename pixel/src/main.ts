// The entry: takes over the page's command queue. See docs/pixel.md for the snippet.
//
// While the page loads nothing is done but to read our tag. The work begins when the browser has nothing better to do, at
// the page's first call, or when the page goes, whichever is first; the first page view is of the address at which we came.

import type { Client } from "./client";
import { makeClient } from "./client";
import { guard, on } from "./guard";
import { ownTag, readSettings } from "./settings";

interface Command {
  (...args: unknown[]): void;
  /** calls made before we came */
  q?: unknown[][];
  /** set once we are here: the tag may stand in the page twice */
  v?: number;
}

const PATIENCE = 2_000; // ms: how long a page may be busy until we begin anyway

guard(() => {
  const page = window as unknown as { jt?: Command; requestIdleCallback?: (work: () => void, options: object) => void };
  const { q: calls = [], v }: Partial<Command> = page.jt || {};
  if (v) return;
  const tag = ownTag();
  const first = location.href;
  let client: Client | undefined;
  let open = false;

  const call = guard((args: unknown[]) => (client as Client).command(...(args as [string])));
  const run = (name: string, wanted: boolean) => calls.forEach((args) => (args[0] == name) == wanted && call(args));

  const prepare = guard(() => {
    const settings = readSettings(tag, first);
    if (client || !settings) return;
    client = makeClient(settings);
    run("use", true);
    if (client.before) client.before.then(takeOver, takeOver);
  });

  const takeOver = guard(() => {
    if (open) return;
    open = true;
    // A choice that is already known comes before the page view, so that a refused one never touches the device.
    run("consent", true);
    (client as Client).start();
    run("consent", false);
  });

  const go = guard(() => {
    prepare();
    if (!(client as Client).before) takeOver();
  });

  page.jt = (...args) => {
    if (open) call(args);
    else {
      calls.push(args);
      go();
    }
  };
  page.jt.v = 1;

  // Two tasks, so that neither is long on a slow device.
  for (const work of [prepare, go]) (page.requestIdleCallback || setTimeout)(work, { timeout: PATIENCE } as never);
  on(window, "pagehide", () => {
    go();
    (client as Client).leave();
  });
})();
