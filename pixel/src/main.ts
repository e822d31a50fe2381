// The entry: takes over the page's command queue. See docs/pixel.md for the snippet.

import { makeClient } from "./client";
import { guard } from "./guard";
import { ownTag, readSettings } from "./settings";

interface Command {
  (...args: unknown[]): void;
  /** calls made before we came */
  q?: unknown[][];
  /** set once we are here: the tag may stand in the page twice */
  v?: string;
}

guard(() => {
  const page = window as unknown as { jt?: Command };
  const stub: Partial<Command> = page.jt || {};
  if (stub.v) return;
  const settings = readSettings(ownTag());
  if (!settings) return;
  const client = makeClient(settings);
  const command: Command = guard((...args: unknown[]) => client.command(...(args as [string])));
  command.v = "1";
  const queued = () => stub.q || [];
  const run = (calls: unknown[][], wanted: (name: unknown) => boolean) =>
    calls.forEach((call) => wanted(call[0]) && command(...call));
  run(queued(), (name) => name == "use");
  const takeOver = guard(() => {
    const calls = queued();
    page.jt = command;
    // A choice that is already known comes before the page view, so that a refused one never touches the device.
    run(calls, (name) => name == "consent");
    client.start();
    run(calls, (name) => name != "consent");
  });
  if (client.before) client.before.then(takeOver, takeOver);
  else takeOver();
})();
