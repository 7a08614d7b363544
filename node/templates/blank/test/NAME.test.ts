import assert from "node:assert/strict";
import { after, test } from "node:test";
import { resource } from "@fairway/sdk/typed";
import { Counter, CLASSCalls, CLASSViews, VALUEEvent } from "../src/NAME.js";
import { connect } from "../src/net.js";

const [alice, bob] = await Promise.all([connect("alice"), connect("bob")]);
after(() => [alice, bob].map(({ client }) => client.close()));

test("each counts for itself", async () => {
  const [mine, yours] = [new CLASSCalls(alice.member), new CLASSCalls(bob.member)];
  const before = await new CLASSViews(alice.channel).value(alice.member.address);
  const report = await mine.count().certified;
  await yours.count().certified;
  const [event] = report.events.map(VALUEEvent);
  assert.equal(event?.data.value, before + 1n);
  assert.equal(await new CLASSViews(alice.channel).value(alice.member.address), before + 1n);
  const counter = await resource(alice.channel, Counter, alice.member.address);
  assert.deepEqual(counter, { value: before + 1n });
});
