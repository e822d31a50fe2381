// Fields of the widgets' forms: every one with a label of its own, one error at a time, said and shown.

import { on } from "../../guard";
import { make } from "./dom";

let count = 0;

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** A labelled field; `hint` is read out with it. */
export function field(label: string, control: Field, hint?: string): HTMLElement {
  const id = (control.id = "f" + ++count);
  const box = make("div", { class: "field" }, make("label", { for: id }, label), control);
  if (hint) {
    control.setAttribute("aria-describedby", id + "h");
    box.append(make("small", { id: id + "h" }, hint));
  }
  return box;
}

export interface Choice {
  box: HTMLFieldSetElement;
  /** values of what is chosen */
  chosen(): string[];
}

/** One of several, or with `many` any of them, below each other. */
export function choice(legend: string, options: [string, string][], many?: boolean): Choice {
  const name = "f" + ++count;
  const inputs = options.map(([value]) => make("input", { type: many ? "checkbox" : "radio", name, value }));
  const lines = inputs.map((input, at) => make("label", { class: "line" }, input, (options[at] as [string, string])[1]));
  return group(legend, inputs, lines);
}

/** Numbers beside each other, with a word at either end. */
export function scale(legend: string, least: number, most: number, low = "", high = ""): Choice {
  const name = "f" + ++count;
  const inputs: HTMLInputElement[] = [];
  const row = make("div", { class: most - least > 6 ? "scale long" : "scale" });
  for (let value = least; value <= most; value++) {
    const word = value == least ? low : value == most ? high : "";
    const input = make("input", { type: "radio", name, value, "aria-label": word ? value + ": " + word : value });
    inputs.push(input);
    row.append(make("label", {}, input, make("span", { "aria-hidden": "true" }, String(value))));
  }
  return group(legend, inputs, [row, ...(low || high ? [make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, low), make("span", {}, high))] : [])]);
}

function group(legend: string, inputs: HTMLInputElement[], lines: HTMLElement[]): Choice {
  return {
    box: make("fieldset", {}, make("legend", {}, legend), ...lines),
    chosen: () => inputs.filter((input) => input.checked).map((input) => input.value),
  };
}

/** What is wrong, and with which field. */
export type Fault = [string, Field?];

/** The form with its button. `send` returns what is wrong, or nothing when it is done. */
export function form(label: string, fields: HTMLElement[], send: () => Fault | undefined): HTMLFormElement {
  const fault = make("p", { class: "bad", role: "alert", id: "e" });
  const box = make(
    "form",
    { novalidate: true },
    ...fields,
    fault,
    make("div", { class: "buttons" }, make("button", { class: "go" }, label)),
  );
  on(box, "submit", (event) => {
    event.preventDefault();
    box.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid"));
    const [text, control] = send() || [""];
    fault.textContent = text;
    if (!text) return;
    const first = control || (box.querySelector("input,textarea,select") as Field);
    if (control) {
      control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-errormessage", "e");
    }
    first.focus();
  });
  return box;
}
