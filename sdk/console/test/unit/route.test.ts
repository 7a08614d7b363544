import { expect, test } from "vitest";
import { parseRoute, type Route, routeText } from "../../src/route.js";

const ID = `0x${"ab".repeat(32)}`;

test("every route is read back from its text", () => {
  const routes: Route[] = [
    { page: "channels" },
    { page: "peers" },
    { page: "channel", channel: ID, tab: "overview" },
    { page: "channel", channel: ID, tab: "blocks", height: 7 },
    { page: "ledger", tab: "contracts" },
    { page: "ledger", tab: "blocks", height: 0 },
    { page: "ledger", tab: "blocks", transaction: ID },
    { page: "ledger", tab: "accounts", account: ID },
  ];
  for (const route of routes) expect(parseRoute(routeText(route))).toEqual(route);
});

test("what is no route is named, and changes nothing", () => {
  for (const path of [
    "nowhere",
    "channel/0x12/blocks",
    `channel/${ID}/nothing`,
    `channel/${ID}/blocks/abc`,
    "ledger/block/-1",
  ]) {
    expect(parseRoute(`#/${path}`)).toEqual({ page: "unknown", path });
  }
  expect(parseRoute("")).toEqual({ page: "channels" });
});
