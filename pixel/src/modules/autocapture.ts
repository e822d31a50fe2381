// What visitors do without the page's help. Each kind is switched on by name in the site's settings; no kind reads what
// somebody typed, or the text of anything.

import { on } from "../guard";
import { use } from "../use";

const FILES = /\.(pdf|docx?|xlsx?|pptx?|csv|txt|rtf|odt|ods|zip|rar|7z|gz|dmg|pkg|exe|msi|apk|epub|mp3|mp4|avi|mov|wav|webm)$/i;
const RAGE_CLICKS = 3;
const RAGE_TIME = 1_000; // ms
const RAGE_REACH = 30; // pixels
const MOST_ERRORS = 5; // a page that fails in a loop tells us nothing new

/** tag#id, without text: enough to find the element again. */
const describe = (element: Element) => element.localName + (element.id ? "#" + element.id : "");
const form = (element: HTMLFormElement) => element.getAttribute("id") || element.getAttribute("name") || new URL(element.action).pathname;

use("autocapture", (core) => {
  const wanted = (kind: string) => (core.settings.autocapture || []).includes(kind);

  const link = (element: Element) => {
    const anchor = element.closest("a[href],area[href]") as HTMLAnchorElement | null;
    if (!anchor || anchor.href === undefined) return;
    const kind = /^(mailto|tel|sms):/.exec(anchor.protocol);
    const to = { link_url: anchor.origin + anchor.pathname, link_domain: anchor.hostname, element: describe(anchor) };
    if (kind && wanted("contact")) core.track("contact_click", { method: kind[1], element: to.element });
    if (!/^http/.test(anchor.protocol)) return;
    const file = FILES.exec(anchor.pathname);
    if ((file || anchor.hasAttribute("download")) && wanted("download"))
      core.track("file_download", { ...to, file_extension: file ? (file[1] as string).toLowerCase() : undefined });
    else if (anchor.hostname != location.hostname && wanted("outbound")) core.track("outbound_click", to);
  };

  const marked = (element: Element) => {
    const mark = element.closest("[data-track]");
    if (!mark) return;
    const { track, ...data } = (mark as HTMLElement).dataset;
    const props: Record<string, string | undefined> = { element: describe(mark) };
    for (const name in data) {
      // data-track-plan="gold" is the property plan
      if (/^track./.test(name)) props[name.slice(5).replace(/^./, (letter) => letter.toLowerCase())] = data[name];
    }
    core.track(track || "element_click", props);
  };

  let clicks: MouseEvent[] = [];
  const rage = (event: MouseEvent, element: Element) => {
    clicks = clicks.filter(
      (one) => event.timeStamp - one.timeStamp < RAGE_TIME && Math.hypot(event.x - one.x, event.y - one.y) < RAGE_REACH,
    );
    if (clicks.push(event) == RAGE_CLICKS) core.track("rage_click", { element: describe(element), x: event.x, y: event.y });
  };

  const clicked = (event: Event) => {
    const element = event.composedPath()[0];
    if (!(element instanceof Element)) return;
    link(element);
    if (wanted("marked")) marked(element);
    if (wanted("rage") && event.isTrusted) rage(event as MouseEvent, element);
  };
  on(document, "click", clicked, true);
  on(document, "auxclick", (event) => (event as MouseEvent).button == 1 && clicked(event), true);

  // Forms: which one, how many fields, the name of the last one; never what is in them.
  let begun: { form: HTMLFormElement; fields: Set<string>; last: string; at: number } | undefined;
  const abandoned = () => {
    if (begun)
      core.track("form_abandon", {
        form: form(begun.form),
        fields: begun.fields.size,
        last_field: begun.last,
        seconds: Math.round((Date.now() - begun.at) / 1000),
      });
    begun = undefined;
  };
  if (wanted("form")) {
    on(document, "change", (event) => {
      const field = event.target as HTMLInputElement;
      if (!field.form || field.type == "hidden") return;
      if (begun && begun.form != field.form) abandoned();
      begun = begun || { form: field.form, fields: new Set(), last: "", at: Date.now() };
      begun.last = field.name || field.id;
      begun.fields.add(begun.last);
    }, true);
    on(document, "submit", (event) => {
      const sent = event.target as HTMLFormElement;
      core.track("form_submit", { form: form(sent), fields: begun && begun.form == sent ? begun.fields.size : 0 });
      if (begun && begun.form == sent) begun = undefined;
    }, true);
    on(window, "pagehide", abandoned);
    core.hooks.push((draft) => draft.type == "page" && abandoned());
  }

  if (wanted("missing")) {
    const entry = performance.getEntriesByType("navigation")[0] as { responseStatus?: number } | undefined;
    const meta = document.querySelector<HTMLMetaElement>('meta[name="tracker:status"]');
    const status = meta ? +meta.content : entry && entry.responseStatus;
    if (status && status >= 400) core.track("page_not_found", { status });
  }

  if (wanted("error")) {
    let left = MOST_ERRORS;
    const failed = (message: unknown, place?: object) => {
      if (left-- > 0) core.track("js_error", { message: String(message).slice(0, 300), ...place });
    };
    on(window, "error", (event) => {
      const { message, filename, lineno, colno } = event as ErrorEvent;
      if (message && message != "Script error.") failed(message, { file: filename.replace(/[?#].*/, ""), line: lineno, column: colno });
    });
    on(window, "unhandledrejection", (event) => failed((event as PromiseRejectionEvent).reason));
  }
});
