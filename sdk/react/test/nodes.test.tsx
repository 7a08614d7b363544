// A component on a real node: loads a channel, pays, and shows the new balance.
import { type Client, Keypair, NATIVE } from "@fairway/sdk";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { World } from "../../typescript/test/nodes/world.js";
import { useCall, useChannel, usePresence, useResource } from "../src/index.js";

let world: World;
let client: Client;
let id: string;

beforeAll(async () => {
  world = await World.start(2);
  id = await world.open("payments");
  client = await world.client(0);
});

afterEach(cleanup);
afterAll(() => world?.stop());

interface Sent {
  payments: string;
}

function Wallet() {
  const { value: channel, error } = useChannel(client, id);
  const key = world.key(0);
  const sent = useResource<Sent>(channel, key.address, "0x44::payments::Sent");
  const pay = useCall(channel?.member(key), "0x44::payments::pay");
  const presence = usePresence(client, id, 200);
  if (error) return <p>{error.message}</p>;
  if (!channel || sent.loading) return <p>loading</p>;
  return (
    <main>
      <p>paid {sent.value?.payments ?? "0"} times</p>
      <p>{presence.value?.filter((member) => member.present).length ?? 0} here</p>
      <button type="button" onClick={() => pay.call([world.key(1).address, NATIVE, 5, ""])}>
        pay
      </button>
      <button type="button" onClick={() => pay.call([world.key(1).address, NATIVE, 0, ""])}>
        pay nothing
      </button>
      <p>call {pay.status ?? "none"}</p>
      <p>{pay.error?.message}</p>
    </main>
  );
}

test("a wallet pays, shows what it did, and says why it could not", async () => {
  render(<Wallet />);
  const patience = { timeout: 10_000 };
  await waitFor(() => screen.getByText("paid 0 times"), patience);
  await waitFor(() => screen.getByText("2 here"), patience);
  act(() => void fireEvent.click(screen.getByText("pay")));
  await waitFor(() => screen.getByText("paid 1 times"), patience);
  await waitFor(() => screen.getByText("call final"), patience);
  act(() => void fireEvent.click(screen.getByText("pay nothing")));
  await waitFor(() => screen.getByText(/E_ZERO_AMOUNT/), patience);
  expect(screen.getByText("call failed")).toBeDefined();
  expect(screen.getByText("paid 1 times")).toBeDefined();
});

/** Pays five by a session key. */
function Silent(given: { session: Keypair }) {
  const { value: channel } = useChannel(client, id);
  const member = channel?.session(world.key(0).address, given.session);
  const pay = useCall(member, "0x44::payments::pay");
  return (
    <main>
      <button type="button" onClick={() => pay.call([world.key(1).address, NATIVE, 5, ""])}>
        pay silently
      </button>
      <p>silent call {pay.status ?? (channel ? "none" : "waits")}</p>
      <p>{pay.error?.message}</p>
    </main>
  );
}

test("a component pays by a session key, until that has spent what it may", async () => {
  const session = Keypair.generate();
  const account = (await client.channel(id)).member(world.key(0));
  const spending = [{ asset: NATIVE, amount: 5 }];
  const limits = { functions: ["0x44::payments::pay"], spending, expires_at: Date.now() + 60_000 };
  await account.delegate({ key: session.publicKey, ...limits }).certified;
  render(<Silent session={session} />);
  const patience = { timeout: 10_000 };
  await waitFor(() => screen.getByText("silent call none"), patience);
  act(() => void fireEvent.click(screen.getByText("pay silently")));
  await waitFor(() => screen.getByText("silent call final"), patience);
  act(() => void fireEvent.click(screen.getByText("pay silently")));
  await waitFor(() => screen.getByText("silent call failed"), patience);
  expect(screen.getByText(/may take 0/)).toBeDefined();
});
