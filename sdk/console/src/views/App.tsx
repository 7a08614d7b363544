/** The page: who may see it, what it shows, and whether what it shows still comes. */
import { type FormEvent, useCallback, useEffect, useState } from "react";
import { type Door, keepToken, keptToken, knock, rpcUrl, Source } from "../ask.js";
import { parseRoute, type Route, routeText } from "../route.js";
import { SourceProvider } from "../source.js";
import { ChannelPage } from "./Channel.js";
import { Channels } from "./Channels.js";
import { LedgerPage } from "./Ledger.js";
import { Peers } from "./Peers.js";
import { Tabs } from "./parts.js";

const RETRY_MS = 2_000;

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const look = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return route;
}

/** Knocks until there is a connection, or somebody has to say something. */
function useDoor() {
  const [door, setDoor] = useState<Door | undefined>();
  const [source, setSource] = useState<Source | undefined>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    let ended = false;
    let opened: Source | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const { http, socket } = rpcUrl(document.baseURI);
    const tryOnce = async () => {
      const token = keptToken();
      let answer = await knock(http, token);
      if (answer.kind === "open") {
        try {
          opened = await Source.open(socket, token);
          if (ended) opened.connection.close();
          else setSource(opened);
        } catch (error) {
          answer = { kind: "away", reason: error instanceof Error ? error.message : String(error) };
        }
      }
      if (ended) return;
      setDoor(answer);
      if (answer.kind === "away") timer = setTimeout(tryOnce, RETRY_MS);
    };
    void tryOnce();
    return () => {
      ended = true;
      clearTimeout(timer);
      opened?.connection.close();
      setSource(undefined);
    };
  }, [round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  return { door, source, again };
}

/** Why nothing comes; nothing while it does. A token that holds no longer closes the page. */
function useLost(source: Source | undefined, again: () => void): string | undefined {
  const [lost, setLost] = useState<string | undefined>();
  useEffect(() => {
    if (!source) return;
    let timer: ReturnType<typeof setInterval> | undefined;
    const { http } = rpcUrl(document.baseURI);
    const look = async () => {
      const door = await knock(http, keptToken());
      if (door.kind === "token" || door.kind === "refused") again();
    };
    const left = source.connection.onLeave(({ reason }) => {
      setLost(reason);
      clearInterval(timer);
      timer = setInterval(look, RETRY_MS);
    });
    const back = source.connection.onReconnect(() => {
      setLost(undefined);
      clearInterval(timer);
    });
    return () => {
      left();
      back();
      clearInterval(timer);
      setLost(undefined);
    };
  }, [source, again]);
  return lost;
}

export function App() {
  const route = useRoute();
  const { door, source, again } = useDoor();
  const lost = useLost(source, again);
  const title = pageTitle(route, source);
  useEffect(() => {
    document.title = `Fairway: ${title}`;
  }, [title]);
  if (!source || !door || door.kind !== "open") return <Closed door={door} again={again} />;
  return (
    <SourceProvider value={source}>
      <Header source={source} route={route} again={again} />
      <output className={lost === undefined ? "unseen" : "banner"} aria-live="polite">
        {lost !== undefined &&
          `Connection lost (${lost}): trying again. What stands below is as it was before.`}
      </output>
      <main>
        <Shown route={route} source={source} />
      </main>
    </SourceProvider>
  );
}

function pageTitle(route: Route, source: Source | undefined): string {
  if (!source) return "console";
  if (source.kind === "ledger" || route.page === "ledger") return "ledger";
  return route.page === "channel" ? `channel, ${route.tab}` : route.page;
}

function Header({ source, route, again }: { source: Source; route: Route; again: () => void }) {
  const tabs = [
    { id: "channels", label: "Channels", href: "#/channels" },
    { id: "peers", label: "Peers", href: "#/peers" },
    { id: "ledger", label: "Ledger", href: "#/ledger" },
  ];
  const current = route.page === "channel" ? "channels" : route.page;
  const forget = () => {
    keepToken(undefined);
    again();
  };
  return (
    <header>
      <h1>{source.kind === "node" ? "Fairway node" : "Fairway ledger"}</h1>
      {source.kind === "node" && <Tabs name="Pages" tabs={tabs} current={current} />}
      {keptToken() !== undefined && (
        <button type="button" onClick={forget}>
          Forget the token
        </button>
      )}
    </header>
  );
}

function Shown({ route, source }: { route: Route; source: Source }) {
  // A ledger runs no channels: it opens on its own page.
  const shown =
    source.kind === "ledger" && route.page === "channels" ? parseRoute("#/ledger") : route;
  switch (shown.page) {
    case "channels":
      return <Channels />;
    case "channel":
      return <ChannelPage key={shown.channel} route={shown} />;
    case "peers":
      return <Peers />;
    case "ledger":
      return <LedgerPage route={shown} />;
    case "unknown":
      return (
        <p role="alert">
          There is no page {shown.path}. <a href={routeText({ page: "channels" })}>Go on</a>
        </p>
      );
  }
}

/** The page before anything is shown on it. */
function Closed({ door, again }: { door: Door | undefined; again: () => void }) {
  return (
    <main className="door">
      <h1>Fairway console</h1>
      {!door && <p className="note">asking…</p>}
      {door?.kind === "open" && <p className="note">connecting…</p>}
      {door?.kind === "away" && <p role="alert">Nobody answers: {door.reason}. Trying again.</p>}
      {door?.kind === "refused" && <p role="alert">Not let in: {door.reason}</p>}
      {door?.kind === "token" && <TokenForm wrong={door.wrong} again={again} />}
    </main>
  );
}

function TokenForm({ wrong, again }: { wrong: boolean; again: () => void }) {
  const [token, setToken] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keepToken(token.trim());
    again();
  };
  return (
    <form onSubmit={submit}>
      <label>
        Token
        <input
          type="password"
          autoComplete="off"
          required
          value={token}
          aria-describedby="token-note"
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      <button type="submit">Open</button>
      <p id="token-note" className="note">
        One of those in <code>access.tokens</code> or <code>access.token_file</code>. It is kept
        until this tab is closed.
      </p>
      {wrong && <p role="alert">This token is not known here.</p>}
    </form>
  );
}
