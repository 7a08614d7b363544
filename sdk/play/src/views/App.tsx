/** Which seat is taken, and what is shown of it. */
import { useEffect, useState } from "react";
import type { Feed } from "../feed.js";
import { GAMES } from "../games/known.js";
import { linkText, parseLink, type Seat } from "../link.js";
import type { Moves } from "../moves.js";
import { type Match, Play } from "../play.js";
import type { SessionKey } from "../session_key.js";
import { short } from "../text.js";
import { Allowed } from "./Allowed.js";
import { Arena } from "./Arena.js";
import { Banner } from "./Banner.js";
import { Door } from "./Door.js";
import { useKeptFocus } from "./focus.js";
import { Join } from "./Join.js";
import { MoneyTable, Payout } from "./Money.js";
import { MoveList } from "./MoveList.js";
import { useChanging } from "./parts.js";
import { TicTacToe } from "./TicTacToe.js";

type Found = { seat?: Seat | undefined; wrong?: string };

function found(): Found {
  try {
    return { seat: parseLink(location.hash) };
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}

export function App() {
  const [{ seat, wrong }, setFound] = useState(found);
  useEffect(() => {
    const read = () => setFound(found());
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return (
    <div ref={useKeptFocus<HTMLDivElement>()}>
      {seat ? (
        <Seated key={linkText(seat)} seat={seat} />
      ) : (
        <Door wrong={wrong} onSeat={(chosen) => (location.hash = linkText(chosen))} />
      )}
    </div>
  );
}

function Seated({ seat }: { seat: Seat }) {
  const [play, setPlay] = useState<Play>();
  // How often the player has come back after leaving.
  const [returned, setReturned] = useState(0);
  useEffect(() => {
    const started = new Play(seat, __PACKAGES__, returned > 0);
    setPlay(started);
    return () => started.close();
  }, [seat, returned]);
  return play ? <Table play={play} onReturn={() => setReturned(returned + 1)} /> : null;
}

interface TableGiven {
  play: Play;
  onReturn: () => void;
}

function Table({ play, onReturn }: TableGiven) {
  useChanging(play);
  const title = play.game ? GAMES[play.game].title : "Fairway";
  useEffect(() => {
    document.title = `${title}: Fairway`;
  }, [title]);
  return (
    <>
      <header>
        <h1>{title}</h1>
        <p className="ids">
          account <code title={play.account}>{short(play.account)}</code>, table{" "}
          <code title={play.seat.channel}>{short(play.seat.channel)}</code>
        </p>
      </header>
      <Banner play={play} />
      <main>
        <Main play={play} onReturn={onReturn} />
      </main>
    </>
  );
}

function Main({ play, onReturn }: TableGiven) {
  const { phase } = play;
  switch (phase.is) {
    case "waiting":
      return <p>Looking for the table…</p>;
    case "wrong":
      return <p role="alert">This link can't be played: {phase.reason}.</p>;
    case "taken":
      return <Taken play={play} />;
    case "outside":
    case "joining":
      return <Join play={play} />;
    case "playing":
      return <Playing play={play} />;
    case "over":
      return <Payout play={play} onReturn={onReturn} />;
  }
}

function Taken({ play }: { play: Play }) {
  return (
    <section aria-label="Another tab">
      <p role="alert">
        Another tab of this browser plays with this account. Two would take each other's turns.
      </p>
      <button type="button" onClick={() => void play.claim(true)}>
        Play here instead
      </button>
    </section>
  );
}

function Playing({ play }: { play: Play }) {
  const { match, feed, moves, sessionKey } = play;
  if (!match || !feed || !moves || !sessionKey) return <p>Sitting down…</p>;
  return <AtTable {...{ play, match, feed, moves, sessionKey }} />;
}

interface AtTableGiven {
  play: Play;
  match: Match;
  feed: Feed;
  moves: Moves;
  sessionKey: SessionKey;
}

function AtTable({ play, match, feed, moves, sessionKey }: AtTableGiven) {
  useChanging(sessionKey);
  return (
    <>
      <Allowed play={play} sessionKey={sessionKey} />
      {match.game === "arena" ? (
        <Arena play={play} live={match.live} feed={feed} />
      ) : (
        <TicTacToe play={play} live={match.live} feed={feed} moves={moves} />
      )}
      <MoveList feed={feed} moves={moves} />
      <MoneyTable play={play} />
    </>
  );
}
