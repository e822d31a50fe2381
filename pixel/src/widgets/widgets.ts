// Fetches a widget's file when somebody wants the widget: jt("survey", id), or a click on an element with
// data-jt-open="survey:id". A page on which nobody does pays for these few lines only.

import { on } from "../guard";
import { use } from "../use";
import "./kit/settings";

interface Policies {
  createPolicy(name: string, rules: object): { createScriptURL(address: string): string };
}

use("widgets", (core) => {
  const { base, files = {} } = core.settings;
  const asked = (core.asked = new Map<string, unknown[][]>());
  const known = new Map(Object.entries(files));
  const types = (window as { trustedTypes?: Policies }).trustedTypes;
  let policy: ReturnType<Policies["createPolicy"]> | undefined;

  /** As the core does it, whose policy is its own: a second one of that name may be forbidden. */
  const fetchFile = ([path, integrity]: [string, string]) => {
    if (types && !policy) policy = types.createPolicy("jt-widgets", { createScriptURL: (it: string) => it });
    const tag = document.createElement("script");
    tag.crossOrigin = "anonymous";
    tag.integrity = integrity;
    tag.async = false; // in this order: the kit before what is made with it
    tag.src = policy ? policy.createScriptURL(base + path) : base + path;
    on(tag, "error", () => asked.clear()); // asked again, it is tried again
    document.head.appendChild(tag);
  };

  const next = core.command;
  core.command = (name, ...args) => {
    const file = known.get(name);
    if (!file) return next(name, ...args);
    const calls = asked.get(name);
    if (calls) calls.push(args);
    else {
      const kit = !core.kit && !asked.size && known.get("kit");
      asked.set(name, [args]);
      if (kit) fetchFile(kit);
      fetchFile(file);
    }
  };

  on(document, "click", (event) => {
    const opener = (event.target as Element).closest("[data-jt-open]");
    if (!opener) return;
    event.preventDefault();
    const [name, id] = (opener.getAttribute("data-jt-open") as string).split(":");
    core.command(name as string, id);
  });
});
