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
  height: number;
  state_root: string;
  entries: StateEntry[];
  /** What to ask for next; absent after the last page. */
  next?: string | null;
}

/** The gas of one function in a transaction. */
export interface FunctionGas {
  function: string;
  /** How often it was entered. */
  entries: number;
  own: number;
  /** With everything that it called. */
  total: number;
}

/** Where the gas of a transaction went. */
export interface GasReport {
  gas_used: number;
  /** The most expensive first. */
  functions: FunctionGas[];
  /** What writes and events cost. */
  storage: number;
}

interface Past {
  "state_channel.state": {
    params: { channel: string; height?: number; after?: string; limit?: number };
    result: StatePage;
  };
  "state_channel.trace": {
    params: { channel: string; height: number; place: number };
    result: GasReport;
  };
}

export type Methods = Omit<Known, keyof Past> & Past;
