// ?tracker_debug: a panel on the page that shows events, consent and the collector's answers. No style attribute and no
// HTML, so that a strict policy lets it pass; it lives in a shadow root, so the page's styles leave it alone.

import { use } from "../use";

const MOST = 200;

use("debug", (core) => {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const make = (name: string, text = "", parent: Node = panel) => {
    const element = document.createElement(name);
    element.textContent = text;
    parent.appendChild(element);
    return element;
  };
  const panel: HTMLElement = document.createElement("section");
  panel.setAttribute("aria-label", "Tracker");
  root.appendChild(panel);
  if ("adoptedStyleSheets" in root) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`section{position:fixed;inset:auto 8px 8px auto;z-index:2147483647;width:min(420px,90vw);max-height:45vh;overflow:auto;
      padding:8px 12px;background:#111;color:#eee;font:12px/1.5 ui-monospace,monospace;border-radius:8px;direction:ltr;text-align:left}
      h2{font-size:13px;margin:0}p{margin:0;color:#9cf}li{overflow-wrap:anywhere}ol{margin:4px 0;padding-left:20px}`);
    root.adoptedStyleSheets = [sheet];
  }
  make("h2", "Tracker: " + core.settings.site);
  const state = make("p");
  const list = make("ol");

  const show = () =>
    core.ready(({ visitor, session, user, consent }) => {
      state.textContent =
        (core.settings.optIn ? "opt-in" : "opt-out") + ", consent " + JSON.stringify(consent) +
        (visitor ? `, visitor ${visitor}, session ${session}${user ? ", user " + user : ""}` : ", nothing is kept");
    });
  const line = (text: string) => {
    make("li", text, list).scrollIntoView({ block: "nearest" });
    if (list.childElementCount > MOST) (list.firstChild as Element).remove();
    show();
  };

  core.hooks.push(({ type, name, props, items, value, currency, traits }) => {
    line(`${name} (${type}) ${JSON.stringify({ ...props, items, value, currency, traits })}`);
    setTimeout(show);
  });
  core.answers.push((status, events) => line(status ? `answer ${status}: ${events} event${events == 1 ? "" : "s"}` : "no answer"));
  const add = () => (document.body.appendChild(host), show());
  if (document.body) add();
  else document.addEventListener("DOMContentLoaded", add);
});
