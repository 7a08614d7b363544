import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CLASSCalls, CLASSViews, VALUEAbort, VALUEEvent, VaultViews } from "../src/NAME.js";
import { connect, network } from "../src/net.js";

const { asset } = network();
const [alice, bob] = await Promise.all([connect("alice"), connect("bob")]);
after(() => [alice, bob].map(({ client }) => client.close()));

test("a payment moves units and says so", async () => {
  const [from, to] = [alice.member.address, bob.member.address];
  const vault = new VaultViews(alice.channel);
  const before = await vault.balance(to, asset);
  const report = await new CLASSCalls(alice.member).pay(to, asset, 25n, "for coffee").certified;
  const [paid] = report.events.map(VALUEEvent);
  assert.deepEqual(paid?.data, { from, to, asset, amount: 25n, memo: "for coffee" });
  assert.equal(await vault.balance(to, asset), before + 25n);
  assert.ok((await new CLASSViews(alice.channel).sent(from)) > 0n);
});

test("nobody pays nothing", async () => {
  const payment = new CLASSCalls(alice.member).pay(bob.member.address, asset, 0n, "").certified;
  await assert.rejects(payment, (error) => VALUEAbort(error) === "E_ZERO_AMOUNT");
});
