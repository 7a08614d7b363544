/** Looks for a block, a transaction or an account of the ledger, and says why one is not found. */
import { type FormEvent, useRef, useState } from "react";
import { SEARCHED, search } from "../search.js";
import { useSource } from "../source.js";

export function Search() {
  const source = useSource();
  const [text, setText] = useState("");
  const [none, setNone] = useState<string | undefined>();
  const run = useRef(0);
  const look = async () => {
    const own = ++run.current;
    const answer = await search(source, text).catch((error: unknown) => ({
      none: error instanceof Error ? error.message : String(error),
    }));
    // Another text may be looked for by now.
    if (run.current !== own) return;
    setNone("none" in answer ? answer.none : undefined);
    if ("href" in answer) location.hash = answer.href;
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void look();
  };
  return (
    <search>
      <form onSubmit={submit} noValidate>
        <label className="wide">
          Height, transaction or address
          <input
            value={text}
            autoComplete="off"
            spellCheck={false}
            aria-invalid={none !== undefined}
            aria-describedby="search-note search-none"
            onChange={(event) => {
              run.current += 1;
              setText(event.target.value);
              setNone(undefined);
            }}
          />
        </label>
        <button type="submit">Show</button>
        <p id="search-note" className="note">
          What can be looked for: {SEARCHED}.
        </p>
        <p id="search-none" role="alert">
          {none}
        </p>
      </form>
    </search>
  );
}
