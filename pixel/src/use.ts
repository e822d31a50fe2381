// How a module tells the core that it is here. Modules are separate files; whichever comes first, they meet in jt.

import type { Module } from "./types";

export function use(name: string, module: Module): void {
  (window as unknown as { jt(...call: unknown[]): void }).jt("use", name, module);
}
