import { expect, test } from "vitest";
import { knock, rpcUrl } from "../../src/ask.js";

function server(status: number, body: string): typeof fetch {
  return async () => new Response(status === 204 ? null : body, { status });
}

test("the page asks beside itself, without its fragment", () => {
  expect(rpcUrl("http://127.0.0.1:9103/console/#/peers")).toEqual({
    http: "http://127.0.0.1:9103/console/rpc",
    socket: "ws://127.0.0.1:9103/console/rpc",
  });
  expect(rpcUrl("https://node.example/a/console/").socket).toBe("wss://node.example/a/console/rpc");
});

test("a token is shown as a header, and one that is refused is told from none", async () => {
  const seen: unknown[] = [];
  const ask: typeof fetch = async (_, init) => {
    seen.push(init?.headers);
    return new Response(null, { status: 204 });
  };
  expect(await knock("http://x/rpc", "t0ken", ask)).toEqual({ kind: "open" });
  await knock("http://x/rpc", undefined, ask);
  expect(seen).toEqual([{ authorization: "Bearer t0ken" }, {}]);
  expect(await knock("http://x/rpc", undefined, server(401, ""))).toEqual({
    kind: "token",
    wrong: false,
  });
  expect(await knock("http://x/rpc", "t0ken", server(401, ""))).toEqual({
    kind: "token",
    wrong: true,
  });
});

test("a token that no header can carry is a wrong one, and is not sent", async () => {
  const unasked: typeof fetch = () => Promise.reject(new TypeError("was asked"));
  for (const token of ["„quoted“", "two words", ""]) {
    expect(await knock("http://x/rpc", token, unasked)).toEqual({ kind: "token", wrong: true });
  }
});

test("who is not let in is told why, and who meets nobody too", async () => {
  const error = JSON.stringify({ error: { code: 100012, message: "pages of x may not ask" } });
  expect(await knock("http://x/rpc", undefined, server(403, error))).toEqual({
    kind: "refused",
    reason: "pages of x may not ask",
  });
  expect(await knock("http://x/rpc", undefined, server(502, ""))).toEqual({
    kind: "refused",
    reason: "HTTP status 502",
  });
  const nobody: typeof fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  expect(await knock("http://x/rpc", undefined, nobody)).toEqual({
    kind: "away",
    reason: "Failed to fetch",
  });
});
