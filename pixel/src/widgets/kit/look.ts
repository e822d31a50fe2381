// The one look of all widgets. A constructed style sheet: no style element, no style attribute, so that a page's
// policy needs no word for us. What is `!important` in a shadow root's :host wins over whatever the page says.

import type { Look } from "./settings";

const LIGHT = "--bg:#fff;--ink:#1b1e24;--soft:#565d68;--line:#767d89;--bad:#b3261e;color-scheme:light;";
const DARK = "--bg:#1e2128;--ink:#f3f4f6;--soft:#b9bfc9;--line:#8f96a2;--bad:#ffb4ab;color-scheme:dark;";

const FRAME = `
:host{all:initial!important;position:fixed!important;display:block!important;width:0!important;height:0!important;z-index:2147483647!important}
*{box-sizing:border-box}
dialog{position:fixed;inset-block:auto 16px;margin:0;padding:20px;width:min(428px,100vw - 32px);max-height:calc(100vh - 32px);overflow:auto;
border:1px solid var(--line);border-radius:var(--r);background:var(--bg);color:var(--ink);font:16px/1.5 var(--f);text-align:start;box-shadow:0 8px 32px #0005;overflow-wrap:anywhere}
dialog.start{inset-inline:16px auto}
dialog.end{inset-inline:auto 16px}
dialog.modal{inset:0;margin:auto}
dialog::backdrop{background:#0009}
h2{font-size:18px;line-height:1.35;margin:0;padding-inline-end:44px;unicode-bidi:plaintext}
h2:focus{outline:0}
p,fieldset{margin:12px 0 0;padding:0;border:0;min-width:0}
button,input{font:inherit;color:inherit;border-radius:calc(var(--r)/2)}
input[type=radio],input[type=checkbox]{width:20px;height:20px;margin:0;flex:none;accent-color:var(--a)}
.line{display:flex;gap:10px;align-items:center;min-height:36px}
.buttons{display:flex;flex-wrap:wrap;gap:10px;margin-top:16px}
button{min-height:44px;padding:8px 18px;border:1px solid var(--line);background:none;cursor:pointer;font-weight:600}
.go{flex:1 1 0;min-width:140px;background:var(--a);color:var(--on);border-color:var(--a)}
.x{position:absolute;inset-block-start:10px;inset-inline-end:10px;width:44px;padding:0;border:0;font-size:24px;line-height:1}
.said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
[hidden]{display:none!important}
:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
@media (prefers-reduced-motion:no-preference){dialog{animation:in .2s}@keyframes in{from{opacity:0;transform:translateY(12px)}}}`;

/** What the sheet of the next panel is made of: files that come later add theirs. */
export const rules = [FRAME];

/** Black or white, whichever reads better on #rrggbb: at least 4.58:1 on any colour. WCAG 2.2, relative luminance. */
function inkOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part > 0.04045 ? ((part + 0.055) / 1.055) ** 2.4 : part / 12.92;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

/** The page may set --jt-colour, --jt-on-colour, --jt-radius and --jt-font; the settings stand behind them. */
export function sheetOf({ colour = "#1f5fd0", radius = 12, font = "system-ui,sans-serif", scheme = "auto" }: Look = {}): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    `${rules.join("")}dialog{${scheme == "dark" ? DARK : LIGHT}--a:var(--jt-colour,${colour});--on:var(--jt-on-colour,${inkOn(colour)});` +
      `--r:var(--jt-radius,${radius}px);--f:var(--jt-font,${font})}` +
      (scheme == "auto" ? `@media (prefers-color-scheme:dark){dialog{${DARK}}}` : ""),
  );
  return sheet;
}
