/** What the page asks: the surface of the API, and reads of past states and of a call's gas. */
import type { Json, Methods as Known } from "@fairway/sdk";

/** An entry of a channel's state. */
export interface StateEntry {
  key: string;
  kind: string;
  owner: string | null;
  type: string | null;
  value: Json;
  /** In bytes. */
  size: number;
}

/** Entries of the state after a block, in the order of their keys. */
export interface StatePage {
  channel: string;
  height: number;
  state_root: string;
  entries: StateEntry[];
  /** What to ask for next; absent after the last page. */
  next?: string | null;
}

/** A function that a call entered, and what it cost. */
export interface TracedFunction {
  function: string;
  entered: number;
  gas_own: number;
  gas_total: number;
}

export interface Trace {
  status: Json;
  gas_used: number;
  functions: TracedFunction[];
}

interface Past {
  "state_channel.state": {
    params: { channel: string; height?: number; after?: string; limit?: number };
    result: StatePage;
  };
  "state_channel.trace": {
    params: { channel: string; height: number; place: number };
    result: Trace;
  };
}

export type Methods = Omit<Known, keyof Past> & Past;
