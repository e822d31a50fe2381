// The entry: takes over the page's command queue. See docs/pixel.md for the snippet.

import { Client } from "./client";
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
  const stub = page.jt;
  if (stub && stub.v) return;
  const settings = readSettings(ownTag());
  if (!settings) return;
  const client = new Client(settings);
  const command: Command = guard((...args: unknown[]) => client.command(...(args as [string])));
  command.v = "1";
  page.jt = command;
  const calls = ((stub && stub.q) || []).map((call) => [...call]);
  // A choice that is already known comes before the page view, so that a refused one never touches the device.
  calls.filter((call) => call[0] == "consent").forEach((call) => command(...call));
  client.start();
  calls.filter((call) => call[0] != "consent").forEach((call) => command(...call));
})();
