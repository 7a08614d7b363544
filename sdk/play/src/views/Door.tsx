/** The page without a seat: a file of a table, or a link to paste. */
import { type ChangeEvent, type FormEvent, useState } from "react";
import { parseFile, parseLink, type Seat } from "../link.js";

interface Given {
  wrong: string | undefined;
  onSeat: (seat: Seat) => void;
}

export function Door({ wrong, onSeat }: Given) {
  const [error, setError] = useState(wrong);
  const [players, setPlayers] = useState<{ name: string; seat: Seat }[]>([]);
  const attempt = async (work: () => void | Promise<void>) => {
    try {
      setError(undefined);
      await work();
    } catch (failure) {
      setError((failure as Error).message);
    }
  };
  const open = (event: ChangeEvent<HTMLInputElement>) =>
    attempt(async () => setPlayers(parseFile((await event.target.files?.[0]?.text()) ?? "")));
  const paste = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const link = String(new FormData(event.currentTarget).get("link") ?? "").trim();
    void attempt(() => {
      const seat = parseLink(link.includes("#") ? link.slice(link.indexOf("#")) : "");
      if (!seat) throw new Error("there is no invitation in this link: it has no part after #");
      onSeat(seat);
    });
  };
  return (
    <main>
      <h1>Fairway: play</h1>
      <p>
        Games between nodes of a developer net. You need an invitation: a link, or a table's file.
      </p>
      {error && <p role="alert">{error}</p>}
      <form onSubmit={paste}>
        <label>
          Link <input name="link" autoComplete="off" required />
        </label>
        <button type="submit">Take the seat</button>
      </form>
      <p>
        <label>
          File <input type="file" accept="application/json,.json" onChange={open} />
        </label>
      </p>
      <ul className="plain">
        {players.map(({ name, seat }) => (
          <li key={name}>
            <button type="button" onClick={() => onSeat(seat)}>
              Play as {name}
            </button>
          </li>
        ))}
      </ul>
      <p className="note">
        A link holds the account's secret key: whoever has it plays and pays with the account. It is
        for developer nets.
      </p>
    </main>
  );
}
