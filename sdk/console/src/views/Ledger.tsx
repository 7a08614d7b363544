/** The settlement chain: blocks with their transactions, accounts, contracts. */
import type { ChainInfo } from "@fairway/sdk";
import { LEDGER_TABS, type Route, routeText } from "../route.js";
import { usePoll, useSource } from "../source.js";
import { dateTime } from "../text.js";
import { Accounts } from "./Accounts.js";
import { Contracts } from "./Contracts.js";
import { LedgerBlocks } from "./LedgerBlocks.js";
import { Answer, Facts, Id, Tabs } from "./parts.js";
import { Search } from "./Search.js";

const EVERY_MS = 2_000;

export type LedgerRoute = Extract<Route, { page: "ledger" }>;

export function LedgerPage({ route }: { route: LedgerRoute }) {
  const source = useSource();
  const info = usePoll("chain", EVERY_MS, () => source.ask("chain.info", {}));
  const tabs = LEDGER_TABS.map((tab) => ({
    id: tab,
    label: tab.charAt(0).toUpperCase() + tab.slice(1),
    href: routeText({ page: "ledger", tab }),
  }));
  return (
    <>
      <h2>Ledger</h2>
      <Answer polled={info}>{(chain) => <Head chain={chain} />}</Answer>
      <Search />
      <Tabs name="Parts of the ledger" tabs={tabs} current={route.tab} />
      {route.tab === "blocks" && <LedgerBlocks route={route} last={info.value?.height ?? 0} />}
      {route.tab === "accounts" && <Accounts route={route} />}
      {route.tab === "contracts" && <Contracts />}
    </>
  );
}

function Head({ chain }: { chain: ChainInfo }) {
  return (
    <Facts
      facts={[
        { label: "Chain", field: "chain_id", value: chain.chain },
        { label: "Height", field: "chain_height", value: chain.height },
        { label: "Last block", field: "chain_time", value: dateTime(chain.time) },
        { label: "State root", field: "chain_root", value: <Id id={chain.state_root} full /> },
        { label: "Faucet", field: "faucet", value: chain.faucet ? "yes: for development" : "no" },
      ]}
    />
  );
}
