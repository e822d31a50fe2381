// For a form whose events could not be kept: what is written would be lost, so nobody is asked to write it.

import type { Core } from "../../types";
import { on } from "../../guard";
import { mayKeep } from "./consent";
import { make } from "./dom";
import type { Panel } from "./panel";

/** True when the choice stands against it: the panel then says so and, where there is a banner, offers the choice. */
export function refused(core: Core, panel: Panel, why: string, change: string): boolean {
  if (mayKeep(core)) return false;
  panel.body.append(make("p", {}, why));
  if (core.settings.banner) {
    const button = make("button", { class: "go", type: "button" }, change);
    on(button, "click", () => {
      panel.close();
      core.command("banner");
    });
    panel.body.append(make("div", { class: "buttons" }, button));
  }
  return true;
}
