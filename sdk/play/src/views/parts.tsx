/** Small parts that several views use. */
import type { HandleStatus } from "@fairway/sdk";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import type { Changing } from "../changing.js";
import { STATUSES } from "../text.js";

/** Draws again whenever `source` changes. */
export function useChanging(source: Changing): void {
  useSyncExternalStore(source.subscribe, source.version);
}

/** How long a text has to stand before it is spoken: statuses harden faster than anybody listens. */
const SPOKEN_AFTER_MS = 500;

/** What a screen reader says when it changes, and everybody reads. */
export function Spoken({ text, id }: { text: string; id: string }) {
  const [spoken, setSpoken] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSpoken(text), SPOKEN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <>
      <p className="says" aria-hidden="true">
        {text}
      </p>
      <output id={id} className="unseen" aria-live="polite">
        {spoken}
      </output>
    </>
  );
}

export function Status({ status }: { status: HandleStatus }) {
  const { sign, means } = STATUSES[status];
  return (
    <span className={`status ${status}`} title={means}>
      <span aria-hidden="true">{sign}</span> {status}
    </span>
  );
}

/** A button for what can't be undone: it asks once more, and a key that is pressed twice does nothing. */
export function Sure({
  children,
  question,
  onSure,
}: {
  children: ReactNode;
  question: string;
  onSure: () => void;
}) {
  const [state, setState] = useState<"at rest" | "asked" | "answered">("at rest");
  if (state !== "asked") {
    return (
      <button
        type="button"
        // biome-ignore lint/a11y/noAutofocus: once answered, it replaces the answer that had the focus
        autoFocus={state === "answered"}
        onClick={() => setState("asked")}
      >
        {children}
      </button>
    );
  }
  const answer = (sure: boolean) => {
    setState("answered");
    if (sure) onSure();
  };
  return (
    <fieldset className="sure" aria-label={question}>
      {question}{" "}
      {/* biome-ignore lint/a11y/noAutofocus: the focus was on the button that the question replaces */}
      <button type="button" autoFocus onClick={() => answer(false)}>
        No
      </button>{" "}
      <button type="button" onClick={() => answer(true)}>
        Yes
      </button>
    </fieldset>
  );
}
