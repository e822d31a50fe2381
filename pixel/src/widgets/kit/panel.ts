// The frame of every widget: a dialog in a shadow root, with its title, its close button, and the keyboard's rules.

import type { Core } from "../../types";
import type { Voice } from "./voice";
import { guard, on } from "../../guard";
import { make } from "./dom";
import { sheetOf } from "./look";

export interface Panel {
  /** the widget's own part */
  body: HTMLElement;
  /** Takes it away; the focus goes back to where it was. */
  close(): void;
  /** In place of what was there: a last word, which screen readers hear. */
  end(text: string): void;
}

interface Wish {
  title: string;
  /** name of the close button; without it the panel stays until its own buttons close it */
  close?: string;
  /** The page waits: focus is kept inside. */
  modal?: boolean;
  wide?: boolean;
  /** Came by itself: takes no focus away from what the visitor is doing. */
  calm?: boolean;
  closed?(): void;
}

const SOON = 100; // ms until a screen reader knows of a new live region

const STOPS = "button,input,select,textarea,a[href]";

/** Whichever element has the focus, inside shadow roots too. */
function focused(): HTMLElement | null {
  let element = document.activeElement;
  while (element && element.shadowRoot && element.shadowRoot.activeElement) element = element.shadowRoot.activeElement;
  return element as HTMLElement | null;
}

export function openPanel(core: Core, voice: Voice<never>, wish: Wish): Panel {
  const page = document.documentElement;
  const host = document.createElement("jt-widget");
  const root = host.attachShadow({ mode: "open" });
  const { look = {} } = core.settings;
  root.adoptedStyleSheets = [sheetOf(look)];
  const title = make("h2", { id: "t", tabindex: -1 }, wish.title);
  const body = make("div");
  const box = make("dialog", {
    "aria-labelledby": "t",
    lang: voice.language,
    dir: voice.direction,
    class: wish.modal ? "modal" : wish.wide ? "wide" : look.position || "end",
  });
  const before = focused();
  box.append(title);

  const close = guard(() => {
    if (!host.isConnected) return;
    const inside = document.activeElement == host;
    host.remove();
    if (inside && before && before.isConnected) before.focus();
    if (wish.closed) wish.closed();
  });
  if (wish.close) {
    const button = make("button", { class: "x", type: "button", "aria-label": wish.close }, "×");
    on(button, "click", close);
    box.append(button);
  }
  box.append(body);

  // The page must not take our keys for its own short cuts, nor hear what is typed.
  for (const name of ["keydown", "keyup", "keypress", "input"]) on(host, name, (event) => event.stopPropagation());
  on(box, "keydown", (event) => {
    const { key, shiftKey } = event as KeyboardEvent;
    if (key == "Escape" && wish.close) {
      event.preventDefault();
      close();
    } else if (key == "Tab" && wish.modal) {
      const stops = [...box.querySelectorAll<HTMLElement>(STOPS)].filter((stop) => stop.offsetParent || stop.offsetWidth);
      const edge = shiftKey ? stops[0] : stops[stops.length - 1];
      const other = shiftKey ? stops[stops.length - 1] : stops[0];
      if (other && (root.activeElement == edge || (shiftKey && root.activeElement == title))) {
        event.preventDefault();
        other.focus();
      }
    }
  });
  on(box, "cancel", (event) => {
    event.preventDefault();
    if (wish.close) close();
  });

  root.append(box);
  // Before the body: the first stop of the Tab key, and nothing that a page's framework believes to own.
  page.insertBefore(host, document.body);
  if (wish.modal) box.showModal();
  else {
    box.open = true;
    box.setAttribute("role", "dialog");
  }
  if (wish.calm) {
    // Nobody's focus is taken, so screen readers must be told: a live region speaks of what changes in it.
    const news = make("p", { role: "status", class: "said" });
    box.append(news);
    setTimeout(() => (news.textContent = wish.title), SOON);
  } else title.focus();

  return {
    body,
    close: () => void close(),
    end(text) {
      body.textContent = "";
      body.append(make("p", { role: "status" }, text));
      title.focus();
    },
  };
}
