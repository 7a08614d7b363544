import { expect, test } from "vitest";
import { LinkError, linkText, parseFile, parseLink } from "../../src/link.js";

const seat = {
  nodes: ["ws://127.0.0.1:9101", "ws://127.0.0.1:9111"],
  channel: `0x${"ab".repeat(32)}`,
  seed: new Uint8Array(32).fill(7),
};

test("a link holds what it was made of", () => {
  expect(parseLink(linkText(seat))).toEqual(seat);
  const guarded = { ...seat, token: "a-._~9" };
  expect(parseLink(linkText(guarded))).toEqual(guarded);
  expect(parseLink("")).toBeUndefined();
  expect(parseLink("#")).toBeUndefined();
});

test.each([
  ["node=http://a&channel=CH&seed=SEED", /node "http:\/\/a" is no address/],
  ["channel=CH&seed=SEED", /names no node/],
  ["node=ws://a&channel=0x12&seed=SEED", /channel "0x12" is none/],
  ["node=ws://a&seed=SEED", /channel "null" is none/],
  ["node=ws://a&channel=CH&seed=12", /seed is 2 characters: expected 64 hex digits/],
  ["node=ws://a&channel=CH", /seed is nothing/],
  ["node=ws://a&channel=CH&seed=SEED&token=a%20b", /token has other characters/],
  ["node=ws://a&channel=CH&seed=SEED&key=1", /field "key"/],
  [`${"node=ws://a&".repeat(9)}channel=CH&seed=SEED`, /names 9 nodes: at most 8/],
])("a link that is none is refused in words: %s", (text, message) => {
  const fragment = text.replace("CH", seat.channel).replace("SEED", "07".repeat(32));
  expect(() => parseLink(`#${fragment}`)).toThrow(message);
  expect(() => parseLink(`#${fragment}`)).toThrow(LinkError);
});

test("a refusal shows nothing of the seed", () => {
  const secret = "5e".repeat(31);
  try {
    parseLink(`#node=ws://a&channel=${seat.channel}&seed=${secret}`);
    expect.unreachable();
  } catch (error) {
    expect(String(error)).not.toContain("5e5e");
  }
});

test("a file has a seat for each player", () => {
  const player = { name: "Ann", nodes: seat.nodes, seed: "07".repeat(32) };
  const text = JSON.stringify({ channel: seat.channel, players: [player, { ...player, name: 3 }] });
  expect(parseFile(text)).toEqual([
    { name: "Ann", seat },
    { name: "player 2", seat },
  ]);
  expect(() => parseFile("{")).toThrow(/not JSON/);
  expect(() => parseFile("[]")).toThrow(/names no players/);
  expect(() => parseFile(JSON.stringify({ channel: 3, players: [player] }))).toThrow(/channel "3"/);
  expect(() => parseFile(JSON.stringify({ channel: seat.channel, players: [null] }))).toThrow(
    /no node/,
  );
});
