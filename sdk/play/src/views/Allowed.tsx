/** What the account lets this page sign, in plain words: before it signs, and while it holds. */
import { type FormEvent, useEffect, useRef, useState } from "react";
import { decimal, fwy, units } from "../../../pages/amount.js";
import type { Play } from "../play.js";
import { HOURS, type SessionKey } from "../session_key.js";
import { remaining, short } from "../text.js";
import { Sure, useChanging } from "./parts.js";

interface Given {
  play: Play;
  sessionKey: SessionKey;
}

/** The form when something has to be signed; else what holds. */
export function Allowed({ play, sessionKey }: Given) {
  useChanging(sessionKey);
  useSeconds();
  const [changing, setChanging] = useState(false);
  const { standing } = sessionKey;
  const done = () => setChanging(false);
  const back = () => {
    done();
    sessionKey.putAside();
  };
  if (standing.is !== "allowed" || changing || sessionKey.overSpent) {
    const onBack = standing.is === "allowed" ? back : undefined;
    return <Ask play={play} sessionKey={sessionKey} onDone={done} onBack={onBack} />;
  }
  return <Holds play={play} sessionKey={sessionKey} onChange={() => setChanging(true)} />;
}

/** Why there is something to sign. */
function why({ standing, overSpent }: SessionKey): string | undefined {
  if (standing.is === "expired") {
    return "What you allowed this page has expired: it can sign no moves. Sign again to go on.";
  }
  if (standing.is === "revoked") {
    return "What you allowed this page is revoked: it can sign no moves. Sign again to go on.";
  }
  if (!overSpent) return undefined;
  const [spent, left] = [fwy(overSpent.spent), fwy(overSpent.left)];
  return `That takes ${spent}, and you allowed this page ${left} more. Sign again to allow more, or stake less.`;
}

interface AskGiven extends Given {
  onDone: () => void;
  onBack: (() => void) | undefined;
}

function Ask({ play, sessionKey, onDone, onBack }: AskGiven) {
  const vault = play.money.vault ?? 0n;
  const [text, setText] = useState<string>();
  const wanted = sessionKey.overSpent?.spent ?? 0n;
  const reason = why(sessionKey);
  const heading = useRef<HTMLHeadingElement>(null);
  // Who staked too much further down is led here; keys still steer.
  useEffect(() => {
    if (wanted > 0n) heading.current?.focus();
  }, [wanted]);
  const value = text ?? decimal(wanted > vault / 2n ? wanted : vault / 2n);
  const stake = units(value);
  const sign = async (event: FormEvent) => {
    event.preventDefault();
    if (stake === undefined || sessionKey.signing) return;
    await play.allow(stake);
    if (!sessionKey.error) onDone();
  };
  return (
    <section aria-labelledby="allow" className="allow">
      <h2 id="allow" ref={heading} tabIndex={-1}>
        {reason ? "Sign again" : "Sign once, then play"}
      </h2>
      <p role="alert">{reason}</p>
      <p>
        Your account signs now, and this page then signs your moves with a key of its own. For{" "}
        {HOURS} hours that key may
      </p>
      <Terms sessionKey={sessionKey} stakes="stake as much as you name here, in all" />
      <form onSubmit={sign}>
        <label>
          For stakes in FWY{" "}
          <input
            inputMode="decimal"
            value={value}
            aria-invalid={stake === undefined}
            aria-describedby="allow-error allow-note"
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <button
          type="submit"
          aria-disabled={stake === undefined || sessionKey.signing !== undefined}
        >
          {sessionKey.signing === "allow" ? "Signing…" : "Sign"}
        </button>
        {onBack && (
          <button type="button" onClick={onBack}>
            Back
          </button>
        )}
      </form>
      <p id="allow-note" className="note">
        You have {fwy(vault)} in the channel
        {stake !== undefined && stake > vault
          ? ": more than that serves only to stake again what comes back."
          : "."}
      </p>
      <p id="allow-error" role="alert">
        {stake === undefined && "The stakes have to be an amount like 12.50, or 0 for none."}
        {sessionKey.error && `Not signed: ${sessionKey.error}.`}
      </p>
    </section>
  );
}

function Terms({ sessionKey, stakes }: { sessionKey: SessionKey; stakes: string }) {
  return (
    <ul>
      <li>{sessionKey.game.may}, at this table alone;</li>
      <li>{stakes}; stakes that come back, and winnings, do not raise it;</li>
      <li>
        nothing else: to leave, to close, and to allow more, your account signs again, and it may
        revoke at any time.
      </li>
    </ul>
  );
}

function Holds({ play, sessionKey, onChange }: Given & { onChange: () => void }) {
  const { standing } = sessionKey;
  if (standing.is !== "allowed") return null;
  const left = fwy(standing.left);
  const ends = remaining(standing.expiresAt - Date.now());
  const { unsent } = sessionKey;
  return (
    <>
      <p className="unsent" role="status">
        {unsent !== undefined && `Signed. The stake of ${fwy(unsent)} was not sent: stake again.`}
      </p>
      <details className="allowed">
        <summary>
          You allow this page to play, <span id="session-left">{left}</span> left for stakes; ends
          in <span id="session-ends">{ends}</span>
        </summary>
        <p>
          It signs your moves with its own key{" "}
          <code title={sessionKey.key}>{short(sessionKey.key ?? "")}</code>, which may
        </p>
        <Terms sessionKey={sessionKey} stakes={`stake ${left} more`} />
        <p role="alert">{sessionKey.error && `Not revoked: ${sessionKey.error}.`}</p>
        <div className="buttons">
          <button type="button" onClick={onChange}>
            Sign again
          </button>
          <Sure question="Let this page play no more?" onSure={() => void play.revoke()}>
            {sessionKey.signing === "revoke" ? "Revoking…" : "Revoke"}
          </Sure>
        </div>
      </details>
    </>
  );
}

/** Draws again every second. */
function useSeconds(): void {
  const [, setNow] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
}
