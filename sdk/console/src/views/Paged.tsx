/** A list that is asked for a page at a time, each by the last entry of the page before it. */
import { type ReactNode, useState } from "react";
import { usePoll } from "../source.js";
import { Answer } from "./parts.js";

const EVERY_MS = 5_000;
const PAGE = 100;

/** What a list is asked for. */
export interface Asked {
  after?: string;
  limit: number;
}

export function Paged<T>({
  name,
  ask,
  idOf,
  children,
}: {
  /** Of the list, as its table has it. */
  name: string;
  ask(page: Asked): Promise<T[]>;
  /** What the page after an entry is asked for by. */
  idOf(entry: T): string;
  children(entries: T[]): ReactNode;
}) {
  // The last entry of each page before this one.
  const [before, setBefore] = useState<string[]>([]);
  const after = before.at(-1);
  const polled = usePoll(`${name} ${after ?? ""}`, EVERY_MS, () =>
    ask({ limit: PAGE, ...(after !== undefined && { after }) }),
  );
  return (
    <Answer polled={polled}>
      {(entries) => {
        const last = entries.length === PAGE ? entries.at(-1) : undefined;
        return (
          <>
            {children(entries)}
            {(last !== undefined || before.length > 0) && (
              <nav className="buttons" aria-label={`Pages of ${name}`}>
                <button
                  type="button"
                  disabled={before.length === 0}
                  onClick={() => setBefore(before.slice(0, -1))}
                >
                  Before
                </button>
                <button
                  type="button"
                  disabled={last === undefined}
                  onClick={() => last !== undefined && setBefore([...before, idOf(last)])}
                >
                  After
                </button>
              </nav>
            )}
          </>
        );
      }}
    </Answer>
  );
}
