/**
 * Where the focus goes when what had it is gone. A browser gives it to nothing: who hears the page, or
 * plays it by keys, would begin at its top again.
 */
import { type RefObject, useEffect, useRef } from "react";

/** To the heading of what is nearest around an element; none has the focus by the Tab key. */
export function focusHeading(from: Element, options?: FocusOptions): void {
  for (let around: Element | null = from; around; around = around.parentElement) {
    const heading = around.querySelector<HTMLElement>("h1, h2");
    if (!heading) {
      // What is to come there has one.
      if (around.matches("main")) return;
      continue;
    }
    heading.tabIndex = -1;
    heading.focus(options);
    return;
  }
}

/** Of whatever has the focus within the element and vanishes, the heading nearest to it takes it over. */
export function useKeptFocus<E extends HTMLElement>(): RefObject<E | null> {
  const within = useRef<E>(null);
  useEffect(() => (within.current ? keepFocus(within.current) : undefined), []);
  return within;
}

function keepFocus(within: HTMLElement): () => void {
  /** What has the focus, or had it when it vanished, and what is around it, from within outwards. */
  let path: Element[] = [];
  const gained = ({ target }: FocusEvent) => {
    path = pathOf(target as Element, within);
  };
  const lost = ({ target }: FocusEvent) => {
    // Given away, and not vanished, which is known when the page is drawn.
    queueMicrotask(() => {
      if (target === path[0] && path[0]?.isConnected) path = [];
    });
  };
  const watch = new MutationObserver(() => {
    const [had, ...around] = path;
    if (!had || had.isConnected || document.activeElement !== document.body) return;
    const there = around.find((element) => element.isConnected);
    if (there) focusHeading(there);
  });
  within.addEventListener("focusin", gained);
  within.addEventListener("focusout", lost);
  watch.observe(within, { childList: true, subtree: true });
  return () => {
    watch.disconnect();
    within.removeEventListener("focusin", gained);
    within.removeEventListener("focusout", lost);
  };
}

function pathOf(element: Element, within: Element): Element[] {
  const path = [element];
  for (let one = element.parentElement; one && one !== within; one = one.parentElement) {
    path.push(one);
  }
  return [...path, within];
}
