// The guest's rule: whatever goes wrong in here, the page never hears of it.

export function guard<A extends unknown[], R>(work: (...args: A) => R): (...args: A) => R | undefined {
  return (...args) => {
    try {
      return work(...args);
    } catch {
      return undefined;
    }
  };
}

export function on(target: EventTarget, name: string, work: (event: Event) => void, options?: AddEventListenerOptions | boolean): void {
  target.addEventListener(name, guard(work), options);
}
