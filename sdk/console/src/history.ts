/** What the chain has said about a channel: looked for among all events, a page at a time. */
import type { ChainEvent } from "@fairway/sdk";

const PAGE = 1_000;
/** Said every few seconds by every member. */
const HEARTBEAT = "::membership::Heartbeat";

export interface Progress {
  /** Events looked at. */
  looked: number;
  /** About the channel, without heartbeats, in the chain's order. */
  found: ChainEvent[];
  done: boolean;
}

/** Looks through the chain's events from the first to the last; every page is a step. */
export async function* history(
  ask: (from: number, limit: number) => Promise<ChainEvent[]>,
  channel: string,
): AsyncGenerator<Progress> {
  const found: ChainEvent[] = [];
  let next = 0;
  for (;;) {
    const page = await ask(next, PAGE);
    const about = (event: ChainEvent) =>
      event.channel === channel && !event.type.endsWith(HEARTBEAT);
    found.push(...page.filter(about));
    next = (page.at(-1)?.number ?? next - 1) + 1;
    const done = page.length < PAGE;
    yield { looked: next, found: [...found], done };
    if (done) return;
  }
}
