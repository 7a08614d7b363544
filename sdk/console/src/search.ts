/** What of the ledger a text names: a block, a transaction, an account; or why it names nothing. */
import type { Source } from "./ask.js";
import { type Route, routeText } from "./route.js";

/** What can be looked for. */
export const SEARCHED =
  "a block's height, or 0x and the 64 hex digits of a transaction's hash or an account's address";

export type Query =
  | { kind: "height"; height: number }
  /** A transaction's hash or an account's address: they look the same. */
  | { kind: "id"; id: string }
  | { kind: "wrong"; reason: string };

/** What a text asks for. */
export function parseQuery(text: string): Query {
  const entered = text.trim().toLowerCase();
  if (entered === "") return wrong("Nothing is entered");
  if (/^[0-9]{1,15}$/.test(entered)) return { kind: "height", height: Number(entered) };
  const digits = /^(?:0x)?([0-9a-f]+)$/.exec(entered)?.[1];
  if (digits?.length === 64) return { kind: "id", id: `0x${digits}` };
  if (entered.startsWith("0x") && digits !== undefined) {
    return wrong(
      `${brief(text)} has ${digits.length} hex ${digits.length === 1 ? "digit" : "digits"}, not 64`,
    );
  }
  return wrong(`${brief(text)} is neither a height nor 0x and hex digits`);
}

function wrong(reason: string): Query {
  return { kind: "wrong", reason: `${reason}.` };
}

function brief(text: string): string {
  const whole = text.trim();
  return `“${whole.length > 24 ? `${whole.slice(0, 24)}…` : whole}”`;
}

type Asked = Pick<Source, "ask">;

/** Where what a text names is shown, or why it is not. */
export async function search(
  asked: Asked,
  text: string,
): Promise<{ href: string } | { none: string }> {
  const query = parseQuery(text);
  switch (query.kind) {
    case "wrong":
      return { none: query.reason };
    case "height":
      return byHeight(asked, query.height);
    case "id":
      return byId(asked, query.id);
  }
}

const found = (route: Route) => ({ href: routeText(route) });

async function byHeight(asked: Asked, height: number) {
  const last = (await asked.ask("chain.info", {})).height;
  if (height >= 1 && height <= last) return found({ page: "ledger", tab: "blocks", height });
  const blocks = last === 0 ? "it has none yet" : `its blocks are 1 to ${last}`;
  return { none: `The ledger has no such block, ${height}: ${blocks}.` };
}

async function byId(asked: Asked, id: string) {
  const report = await asked.ask("chain.transaction", { transaction: id });
  if (report) return found({ page: "ledger", tab: "blocks", transaction: id });
  const known = isKnown(await account(asked, id));
  if (known) return found({ page: "ledger", tab: "accounts", account: id });
  return { none: `The ledger has no such transaction, and no such account: ${id}.` };
}

/** What the ledger knows of an account. */
export async function account(asked: Asked, address: string) {
  const [sequence, balance, modules] = await Promise.all([
    asked.ask("chain.sequence", { account: address }),
    asked.ask("chain.balance", { account: address }),
    asked.ask("chain.abi", { address }),
  ]);
  return { sequence, balance: balance.amount, modules };
}

/** Whether an account has done or holds anything: the ledger keeps no list of addresses. */
export function isKnown({ sequence, balance, modules }: Awaited<ReturnType<typeof account>>) {
  return sequence > 0 || BigInt(balance) > 0n || modules.length > 0;
}
