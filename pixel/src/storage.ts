// localStorage that may be missing, full, blocked or forbidden for now: then a copy in memory serves this page.
// Nothing here touches the device before `allow(true)`.

import { guard } from "./guard";

export class Storage {
  private _memory = new Map<string, string>();
  private _device: globalThis.Storage | undefined;

  constructor(private readonly _prefix: string) {}

  /** True: use the device from now on. False: memory only; what lies on the device stays (see `clear`). */
  allow(yes: boolean): void {
    this._device = yes ? guard(() => localStorage)() : undefined;
  }

  clear(): void {
    this.keys("").forEach((key) => this.remove(key));
  }

  get(key: string): string | null {
    return guard(() => this._device && this._device.getItem(this._prefix + key))() || this._memory.get(key) || null;
  }

  /** The device's copy leads; memory keeps what the device refused. */
  set(key: string, value: string): void {
    this._memory.delete(key);
    if (!guard(() => this._device && (this._device.setItem(this._prefix + key, value), 1))()) this._memory.set(key, value);
  }

  remove(key: string): void {
    this._memory.delete(key);
    guard(() => this._device && this._device.removeItem(this._prefix + key))();
  }

  /** Does a key of the device belong to us and start like that? */
  owns(key: string | null, start: string): boolean {
    return !!this._device && !!key && key.startsWith(this._prefix + start);
  }

  keys(start: string): string[] {
    const whole = this._prefix + start;
    const found = guard(() => (this._device ? Object.keys(this._device) : []))() || [];
    return found
      .filter((key) => key.startsWith(whole))
      .map((key) => key.slice(this._prefix.length))
      .concat([...this._memory.keys()].filter((key) => key.startsWith(start)));
  }
}
