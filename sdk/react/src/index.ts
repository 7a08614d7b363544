/**
 * Fairway channels as React hooks. Every hook takes `null` for what is not there yet, and waits.
 *
 * @module @fairway/react
 */

import {
  type CallHandle,
  type CallOptions,
  type Channel,
  type Client,
  type HandleStatus,
  type Json,
  Lobby,
  type Member,
  Mirror,
  type MoveInput,
  type Presence,
} from "@fairway/sdk";
import { useCallback, useEffect, useRef, useState } from "react";

/** What is being fetched: `loading` until there is a value or an error. */
export interface Loaded<T> {
  value: T | undefined;
  error: Error | undefined;
  loading: boolean;
}

const LOADING = { value: undefined, error: undefined, loading: true } as const;

/** Runs `start` for as long as the component shows what it depends on. */
function useLoaded<T>(
  start: ((set: (value: T) => void, fail: (error: Error) => void) => () => void) | null,
  dependencies: readonly unknown[],
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>(LOADING);
  useEffect(() => {
    setLoaded(LOADING);
    if (!start) return undefined;
    let shown = true;
    const show = (next: Loaded<T>) => {
      if (shown) setLoaded(next);
    };
    const end = start(
      (value) => show({ value, error: undefined, loading: false }),
      (error) => show({ value: undefined, error, loading: false }),
    );
    return () => {
      shown = false;
      end();
    };
  }, dependencies);
  return loaded;
}

/** A channel that the client's node runs. */
export function useChannel(client: Client | null, id: string | null): Loaded<Channel> {
  const start = (set: (channel: Channel) => void, fail: (error: Error) => void) => {
    if (client && id) client.channel(id).then(set, fail);
    return () => {};
  };
  return useLoaded(client && id ? start : null, [client, id]);
}

/** The resource of an account, as the newest block left it; `value` is `null` while there is none. */
export function useResource<T = Json>(
  channel: Channel | null | undefined,
  address: string | null | undefined,
  type: string,
): Loaded<T | null> {
  const start = (set: (value: T | null) => void, fail: (error: Error) => void) => {
    if (!channel || !address) return () => {};
    return followResource(channel, address, type, (value) => set(value as T | null), fail);
  };
  return useLoaded(channel && address ? start : null, [channel, address, type]);
}

function followResource(
  channel: Channel,
  address: string,
  type: string,
  set: (value: Json | null) => void,
  fail: (error: Error) => void,
): () => void {
  let ended = false;
  let close = () => {};
  const follow = async () => {
    const mirror = new Mirror();
    const filter = { addresses: [address], resource_types: [type], event_types: ["-"] };
    const subscription = await channel.subscribe({ filter });
    close = () => subscription.close();
    if (ended) close();
    let last: Json | null | undefined;
    for await (const notice of subscription) {
      mirror.take(notice);
      const value = mirror.get(address, type) ?? null;
      // A value that did not change is the same object: nothing is drawn again.
      if (notice.kind !== "heights" && notice.kind !== "skipped" && value !== last) set(value);
      last = value;
    }
  };
  follow().catch(fail);
  return () => {
    ended = true;
    close();
  };
}

/** One call that a component makes. */
export interface UsedCall {
  /** Calls. What is wrong with the arguments is `error`, not thrown. */
  call: (args: readonly MoveInput[], options?: CallOptions) => CallHandle | undefined;
  /** Of the last call; `undefined` before the first. */
  status: HandleStatus | undefined;
  error: Error | undefined;
  handle: CallHandle | undefined;
}

/** Calls of one function by one member, and how far the last one has come. */
export function useCall(member: Member | null | undefined, name: string): UsedCall {
  const [state, setState] = useState<Omit<UsedCall, "call">>({
    status: undefined,
    error: undefined,
    handle: undefined,
  });
  const off = useRef(() => {});
  useEffect(() => () => off.current(), []);
  const call = useCallback(
    (args: readonly MoveInput[], options?: CallOptions) => {
      off.current();
      off.current = () => {};
      if (!member) {
        const error = new Error(`${name} was called before there was a member to call it`);
        setState({ status: "failed", error, handle: undefined });
        return undefined;
      }
      try {
        const handle = member.call(name, args, options);
        const show = () => setState({ status: handle.status, error: handle.error, handle });
        off.current = handle.on("status", show);
        show();
        return handle;
      } catch (error) {
        setState({ status: "failed", error: error as Error, handle: undefined });
        return undefined;
      }
    },
    [member, name],
  );
  return { call, ...state };
}

/** When the members' nodes were heard, asked for again every `everyMs`. */
export function usePresence(
  client: Client | null,
  id: string | null,
  everyMs = 2_000,
): Loaded<Presence[]> {
  const start = (set: (presence: Presence[]) => void, fail: (error: Error) => void) => {
    if (!client || !id) return () => {};
    const lobby = new Lobby(client);
    const ask = () => void lobby.presence(id).then(set, fail);
    ask();
    const timer = setInterval(ask, everyMs);
    return () => clearInterval(timer);
  };
  return useLoaded(client && id ? start : null, [client, id, everyMs]);
}
