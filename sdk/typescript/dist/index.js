/** Fairway for apps: connect to a node, join a channel, call, view, subscribe. */
export { Channel } from "./channel.js";
export { Client } from "./client.js";
export { Connection } from "./connection.js";
export { DEFAULT_RULES, NATIVE } from "./contract.js";
export { ClosedError, FairwayError, ProtocolError, RefusedError, RpcError, refusalOf, TimedOutError, UnreachableError, } from "./errors.js";
export { CallHandle } from "./handle.js";
export { addressOf, Keypair } from "./keys.js";
export { Ledger } from "./ledger.js";
export { LiveState } from "./live.js";
export { invitationText, Lobby, parseInvitation, presenceOf, } from "./lobby.js";
export { Member } from "./member.js";
export { Mirror } from "./mirror.js";
export { Subscription } from "./notices.js";
export { Prediction } from "./predict.js";
export { REFUSALS } from "./refusals.js";
export { callHash, channelId, packageHash, transactionHash } from "./wire.js";
//# sourceMappingURL=index.js.map