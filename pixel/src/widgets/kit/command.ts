// How a widget answers jt("its name", ...), also to calls that were made before its file was here.

import type { Core } from "../../types";

export function answerTo(core: Core, name: string, work: (...args: unknown[]) => void): void {
  const next = core.command;
  core.command = (called, ...args) => (called == name ? work(...args) : next(called, ...args));
  const waiting = (core.asked && core.asked.get(name)) || [];
  for (const args of waiting) work(...args);
}
