// How a widget answers jt("its name", ...) and the elements that open it.

import type { Core } from "../../types";
import "./settings";

export type Widgets = Map<string, (...args: unknown[]) => void>;

export function answerTo(core: Core, name: string, work: (...args: unknown[]) => void): void {
  (core.widgets as Widgets).set(name, work);
}
