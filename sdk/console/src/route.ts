/** What the page shows, as its address says: `#/channel/0x…/blocks/7`. */

export const CHANNEL_TABS = [
  "overview",
  "members",
  "blocks",
  "events",
  "state",
  "settlement",
  "evidence",
] as const;
export type ChannelTab = (typeof CHANNEL_TABS)[number];
export const LEDGER_TABS = ["blocks", "accounts", "contracts"] as const;
export type LedgerTab = (typeof LEDGER_TABS)[number];

export type Route =
  | { page: "channels" }
  | { page: "peers" }
  | { page: "channel"; channel: string; tab: ChannelTab; height?: number }
  | { page: "ledger"; tab: LedgerTab; height?: number; transaction?: string; account?: string }
  | { page: "unknown"; path: string };

const HASH = /^0x[0-9a-f]{64}$/;

function height(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The route of an address's fragment. */
export function parseRoute(fragment: string): Route {
  const path = fragment.replace(/^#?\/?/, "");
  const [first, second, third, fourth] = path.split("/");
  if (!first || first === "channels") return { page: "channels" };
  if (first === "peers") return { page: "peers" };
  if (first === "channel" && second && HASH.test(second)) {
    const tab = CHANNEL_TABS.find((known) => known === (third ?? "overview"));
    const at = height(fourth);
    const isHeight = fourth === undefined || at !== undefined;
    if (tab && isHeight)
      return { page: "channel", channel: second, tab, ...(at !== undefined && { height: at }) };
  }
  if (first === "ledger") return ledgerRoute(path, second, third);
  return { page: "unknown", path };
}

function ledgerRoute(path: string, second = "blocks", third?: string): Route {
  const at = height(third);
  if (second === "block" && at !== undefined) return { page: "ledger", tab: "blocks", height: at };
  if (second === "transaction" && third && HASH.test(third)) {
    return { page: "ledger", tab: "blocks", transaction: third };
  }
  if (second === "account" && third && HASH.test(third)) {
    return { page: "ledger", tab: "accounts", account: third };
  }
  const tab = LEDGER_TABS.find((known) => known === second);
  return tab ? { page: "ledger", tab } : { page: "unknown", path };
}

/** The fragment that `parseRoute` reads. */
export function routeText(route: Route): string {
  switch (route.page) {
    case "channels":
      return "#/channels";
    case "peers":
      return "#/peers";
    case "channel": {
      const at = route.height === undefined ? "" : `/${route.height}`;
      return `#/channel/${route.channel}/${route.tab}${at}`;
    }
    case "ledger":
      if (route.height !== undefined) return `#/ledger/block/${route.height}`;
      if (route.transaction) return `#/ledger/transaction/${route.transaction}`;
      if (route.account) return `#/ledger/account/${route.account}`;
      return `#/ledger/${route.tab}`;
    case "unknown":
      return `#/${route.path}`;
  }
}
