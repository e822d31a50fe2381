// Fetches a widget's files when somebody wants the widget: jt("survey", id), or a click on an element with
// data-jt-open="survey:id". A page on which nobody does pays for these few lines only.

import { guard, on } from "../guard";
import { use } from "../use";
import type { Widgets } from "./kit/command";
import { languageOf } from "./kit/language";
import "./kit/settings";

interface Policies {
  createPolicy(name: string, rules: object): { createScriptURL(address: string): string };
}

use("widgets", (core) => {
  const { base, files = {} } = core.settings;
  const widgets: Widgets = (core.widgets = new Map());
  const known = new Map(Object.entries(files));
  const coming = new Map<string, Promise<unknown>>();
  const types = (window as { trustedTypes?: Policies }).trustedTypes;
  let policy: ReturnType<Policies["createPolicy"]> | undefined;

  /** Each file once, but one that did not come is tried again. As the core does it, whose policy is its own: a second one of that name may be forbidden. */
  const fetched = (name: string): Promise<unknown> | undefined => {
    const file = known.get(name);
    if (!file || coming.has(name)) return coming.get(name);
    if (types && !policy) policy = types.createPolicy("jt-widgets", { createScriptURL: (it: string) => it });
    const address = base + file[0];
    const tag = document.createElement("script");
    const there = new Promise((came, failed) => {
      on(tag, "load", came);
      on(tag, "error", failed);
    });
    tag.crossOrigin = "anonymous";
    tag.integrity = file[1];
    tag.async = false; // in this order: the kit before what is made with it
    tag.src = policy ? policy.createScriptURL(address) : address;
    document.head.appendChild(tag);
    coming.set(name, there);
    there.catch(() => coming.delete(name));
    return there;
  };

  const next = core.command;
  core.command = (name, ...args) => {
    const open = guard(() => (widgets.get(name) as (...args: unknown[]) => void)(...args));
    const nothing = () => {};
    if (known.has(name)) {
      const words = fetched("words-" + languageOf(core));
      // Without its language it speaks English; without another file it is not shown.
      Promise.all([fetched("kit"), fetched("form"), words && words.catch(nothing), fetched(name)]).then(open, nothing);
    } else if (widgets.has(name)) open();
    else next(name, ...args);
  };

  on(document, "click", (event) => {
    const opener = (event.target as Element).closest("[data-jt-open]");
    if (!opener) return;
    event.preventDefault();
    const [name, id] = (opener.getAttribute("data-jt-open") as string).split(":");
    core.command(name as string, id);
  });
});
