// What a site may say about its widgets: tracker/core/widgets.py, docs/pixel.md.

import type { Form } from "../form";
import type { Kit } from "../kit";
import type { Widgets } from "./command";

/** One text for everybody, or one for each language. */
export type Text = string | Record<string, string>;

/** `id` is what the event says, `text` what the visitor reads. */
export interface Option {
  id: string;
  text: Text;
}

export interface Question {
  id: string;
  type: "choice" | "text" | "scale";
  text: Text;
  options?: Option[];
  /** choice: more than one */
  many?: boolean;
  /** scale: first and last number */
  least?: number;
  most?: number;
}

export interface Survey {
  id: string;
  kind: "nps" | "csat" | "custom";
  /** instead of the kind's own question; the title of a custom survey */
  question?: Text;
  questions?: Question[];
  /** the field for a comment: asked unless false */
  comment?: boolean;
  /** seconds on the page, or after the event */
  after?: number;
  /** name of an event */
  on?: string;
  /** of the visitors, 0 to 1 */
  share?: number;
  /** not again within so many */
  days?: number;
}

export interface Look {
  colour?: string;
  radius?: number;
  font?: string;
  position?: "start" | "end";
  scheme?: "auto" | "light" | "dark";
}

declare module "../../types" {
  interface SiteSettings {
    /** [path, integrity] of the widgets that are loaded when somebody wants them */
    files?: Record<string, [string, string]>;
    surveys?: Survey[];
    feedback?: { topics?: Option[]; rating?: boolean; email?: boolean };
    callback?: { slots?: string[]; days?: number; weekends?: boolean; timezone?: string };
    banner?: { ads?: boolean; policy?: string; days?: number };
    look?: Look;
    language?: string;
    /** language (or "*") -> "widget.key" -> text */
    texts?: Record<string, Record<string, string>>;
  }

  interface Core {
    /** what jt("its name", ...) does, of those whose file is here */
    widgets?: Widgets;
    /** texts that came: language -> widget -> key -> text */
    words?: Record<string, Record<string, Record<string, string>>>;
    /** there before any widget */
    kit?: Kit;
    /** there before any widget that asks for more than a click */
    form?: Form;
  }
}
