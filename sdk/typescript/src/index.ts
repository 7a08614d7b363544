/**
 * Fairway for apps: connect to a node, join a channel, call, view, subscribe.
 *
 * @module @fairway/sdk
 */

export type { Abi } from "./abi.js";
export type * from "./api.js";
export {
  Channel,
  type Listening,
  type ReadOptions,
  type StateOptions,
  type ViewOptions,
} from "./channel.js";
export { Client, type JoinOptions, type KnownChannel } from "./client.js";
export type { MoveInput } from "./codec.js";
export { Connection } from "./connection.js";
export { type Amount, type Backing, type ChannelRules, DEFAULT_RULES, NATIVE } from "./contract.js";
export {
  ClosedError,
  FairwayError,
  ProtocolError,
  type Refusal,
  RefusedError,
  RpcError,
  refusalOf,
  TimedOutError,
  UnreachableError,
} from "./errors.js";
export { CallHandle, type HandleStatus, type StatusChange } from "./handle.js";
export { addressOf, Keypair, type Signer } from "./keys.js";
export { Ledger } from "./ledger.js";
export { type LiveOptions, LiveState } from "./live.js";
export {
  type FindOptions,
  type Found,
  type Invitation,
  invitationText,
  Lobby,
  type OpenChannel,
  type Presence,
  parseInvitation,
  presenceOf,
} from "./lobby.js";
export { type CallOptions, Member } from "./member.js";
export { Mirror } from "./mirror.js";
export { type SubscribeOptions, Subscription } from "./notices.js";
export type {
  Candidate,
  ConnectionOptions,
  Left,
  Reconnected,
  RequestOptions,
} from "./options.js";
export { type PredictContext, type PredictedCall, Prediction, type Reducer } from "./predict.js";
export { REFUSALS, type RefusalDetails, type RefusalName } from "./refusals.js";
export type { Delegation } from "./sessions.js";
export type { Backoff } from "./time.js";
export { callHash, channelId, packageHash, transactionHash } from "./wire.js";
