/** What answers the page, for every view; and asking it again and again. */
import { createContext, useContext, useEffect, useState } from "react";
import type { Source } from "./ask.js";

const SourceContext = createContext<Source | undefined>(undefined);
export const SourceProvider = SourceContext.Provider;

export function useSource(): Source {
  const source = useContext(SourceContext);
  if (!source) throw new Error("a view stands outside of what gives it its source");
  return source;
}

/** What was asked for last; the value stays while a later answer is an error. */
export interface Polled<T> {
  value?: T;
  error?: Error;
  again(): void;
}

/** Resolves when the page can be seen. */
function seen(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}

/**
 * Asks at once, and again `everyMs` after each answer while the page is seen (0: never again). Another
 * `key` begins anew. One request at a time: a slow server is not asked faster.
 */
export function usePoll<T>(key: string, everyMs: number, ask: () => Promise<T>): Polled<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: Error }>({ key });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let ended = false;
    let wake = () => {};
    const loop = async () => {
      while (!ended) {
        await seen();
        if (ended) return;
        await ask().then(
          (value) => !ended && setState({ key, value }),
          (error) => !ended && setState((before) => failed(before, key, error)),
        );
        if (everyMs === 0) return;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, everyMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    };
    void loop();
    return () => {
      ended = true;
      wake();
    };
  }, [key, everyMs, round]);
  const again = () => setRound((before) => before + 1);
  return state.key === key ? { ...state, again } : { again };
}

function failed<T>(before: { key: string; value?: T }, key: string, error: unknown) {
  const kept = before.key === key && "value" in before ? { value: before.value as T } : {};
  return { key, ...kept, error: error instanceof Error ? error : new Error(String(error)) };
}
