import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CLASSCalls, CLASSViews, VALUEAbort, VALUEEvent, VaultViews } from "../src/NAME.js";
import { connect, network } from "../src/net.js";

const STAKE = 1_000n;
const { asset } = network();
const [alice, bob] = await Promise.all([connect("alice"), connect("bob")]);
after(() => [alice, bob].map(({ client }) => client.close()));

test("who takes the last stick wins both stakes", async () => {
  const host = alice.member.address;
  const [hosts, guests] = [new CLASSCalls(alice.member), new CLASSCalls(bob.member)];
  const vault = new VaultViews(alice.channel);
  const before = await vault.balance(host, asset);
  await hosts.open(asset, STAKE).certified;
  await guests.join(host).certified;
  const early = guests.take(host, 1n).certified;
  await assert.rejects(early, (error) => VALUEAbort(error) === "E_NOT_YOUR_TURN");
  // Seven moves of three sticks each: the host makes the first and the last.
  for (let move = 0; move < 6; move += 1) {
    await (move % 2 === 0 ? hosts : guests).take(host, 3n).certified;
  }
  assert.equal(await new CLASSViews(bob.channel).sticks(host), 3n);
  const report = await hosts.take(host, 3n).certified;
  const over = report.events.map(VALUEEvent).find((event) => event?.type === "Over");
  assert.deepEqual(over?.data, { host, winner: host, paid: 2n * STAKE });
  assert.equal(await vault.balance(host, asset), before + STAKE);
});
